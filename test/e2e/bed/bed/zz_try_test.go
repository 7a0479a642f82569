package bed

import (
	"context"
	"fmt"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"os"
	"sigs.k8s.io/yaml"
	"strings"
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	if os.Getenv("TRY") == "" {
		t.Skip("scratch")
	}
	ctx := context.Background()
	root, _ := FindRoot()
	b, err := Start(ctx, Options{Root: root, Dir: "/tmp/try/bed", Record: true, Log: func(f string, a ...any) { fmt.Printf(f+"\n", a...) }})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Stop()
	if _, err := b.Apply(ctx, "apiVersion: v1\nkind: Namespace\nmetadata: {name: art}\n"); err != nil {
		t.Fatal(err)
	}
	m, _ := os.ReadFile(root + "/examples/minimal.yaml")
	start := time.Now()
	objs, err := b.Apply(ctx, string(m))
	if err != nil {
		t.Fatal(err)
	}
	gvk := schema.GroupVersionKind{Group: "aws.comfyui-studio.io", Version: "v1alpha1", Kind: "ComfyUIStudio"}
	_ = objs
	last := ""
	err = b.Await(ctx, gvk, "art", "tokyo", 90*time.Second, func(u *unstructured.Unstructured) error {
		cs, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
		s := ""
		ready := false
		for _, c := range cs {
			m := c.(map[string]any)
			msg, _ := m["message"].(string)
			if len(msg) > 200 {
				msg = msg[:200]
			}
			if !strings.Contains(fmt.Sprint(m["reason"]), "NotComposed") {
				s += fmt.Sprintf("  %v=%v %v %v\n", m["type"], m["status"], m["reason"], msg)
			}
			if m["type"] == "Ready" && m["status"] == "True" {
				ready = true
			}
		}
		if s != last {
			fmt.Printf("%.1fs\n%s", time.Since(start).Seconds(), s)
			last = s
		}
		if !ready {
			return fmt.Errorf("not ready")
		}
		return nil
	})
	fmt.Println("READY?", err, time.Since(start), len(b.Wire().Runs()))
	u, _ := b.Resource(gvk, "art")
	_ = u
	y, _ := yaml.Marshal(b.Cloud().Ledger())
	os.WriteFile("/tmp/try/ledger.yaml", y, 0644)
	time.Sleep(time.Duration(len(os.Getenv("SLEEP"))) * time.Second * 30)
}
