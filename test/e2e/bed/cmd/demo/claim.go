package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/state"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/view"
)

// A demo is one claim on one bed.
type demo struct {
	bed   state.State
	file  string
	claim *unstructured.Unstructured
	c     dynamic.Interface
	kinds []schema.GroupVersionResource
}

func connect(c cli) (*demo, error) {
	st, running, err := state.Read(c.Bed)
	if err != nil {
		return nil, fmt.Errorf("cannot find the bed: %w", err)
	}
	if !running || !st.Ready {
		return nil, fmt.Errorf("no bed is ready in %s: start one with `bed up`", c.Bed)
	}
	d := &demo{bed: st, file: c.Claim}
	if d.claim, err = readClaim(c.Claim); err != nil {
		return nil, err
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", d.bed.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("cannot read the bed's kubeconfig: %w", err)
	}
	// Some forty watches begin at once; the default of five a second is for
	// controllers that share a server.
	cfg.QPS = -1
	if d.c, err = dynamic.NewForConfig(cfg); err != nil {
		return nil, fmt.Errorf("cannot make a client: %w", err)
	}
	dc, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot make a discovery client: %w", err)
	}
	d.kinds, err = view.Kinds(dc)
	return d, err
}

// readClaim finds the ComfyUIStudio in a file that may hold other objects too.
func readClaim(file string) (*unstructured.Unstructured, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the claim: %w", err)
	}
	dec := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
	for {
		u := &unstructured.Unstructured{}
		if err := dec.Decode(&u.Object); errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s holds no ComfyUIStudio", file)
		} else if err != nil {
			return nil, fmt.Errorf("cannot decode %s: %w", file, err)
		}
		if u.GetKind() != "ComfyUIStudio" {
			continue
		}
		if u.GetNamespace() == "" {
			u.SetNamespace(metav1.NamespaceDefault)
		}
		return u, nil
	}
}

// begin starts to watch, then applies or deletes the claim.
func (d *demo) begin(ctx context.Context, remove bool) (view.Source, func(view.Snapshot) bool, error) {
	src, err := view.Watch(ctx, d.c, d.kinds, d.ledger, d.claim.GetNamespace(), d.claim.GetName())
	if err != nil {
		return nil, nil, err
	}
	if remove {
		// What the studio is made of must be known before it begins to go.
		s, err := src.Snapshot(ctx)
		if err != nil {
			return nil, nil, err
		}
		src.End(s.Now)
		return src, view.Down, d.remove(ctx, s)
	}
	if err := d.apply(ctx, src); err != nil {
		return nil, nil, err
	}
	return src, view.Up, nil
}

func (d *demo) studios() dynamic.ResourceInterface {
	return d.c.Resource(view.StudioResource()).Namespace(d.claim.GetNamespace())
}

func (d *demo) apply(ctx context.Context, src *view.Cluster) error {
	_, err := d.studios().Get(ctx, d.claim.GetName(), metav1.GetOptions{})
	isNew := kerrors.IsNotFound(err)
	if err := d.ensureNamespace(ctx); err != nil {
		return err
	}
	l, err := d.ledger(ctx)
	if err != nil {
		return err
	}
	applied, err := d.studios().Apply(ctx, d.claim.GetName(), d.claim, metav1.ApplyOptions{FieldManager: "comfyui-studio-demo", Force: true})
	if err != nil {
		return fmt.Errorf("cannot apply %s: %w", d.file, err)
	}
	if isNew {
		src.Begin(l.Now)
	}
	return caughtUp(ctx, src, applied.GetGeneration())
}

func (d *demo) ensureNamespace(ctx context.Context) error {
	ns := &unstructured.Unstructured{}
	ns.SetAPIVersion("v1")
	ns.SetKind("Namespace")
	ns.SetName(d.claim.GetNamespace())
	_, err := d.c.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).Create(ctx, ns, metav1.CreateOptions{})
	if err != nil && !kerrors.IsAlreadyExists(err) {
		return fmt.Errorf("cannot create namespace %s: %w", ns.GetName(), err)
	}
	return nil
}

// caughtUp waits until the watch has seen the claim as it was applied: a studio
// that is not there yet is not one that has gone, and one that was Ready before a
// change is not Ready with it.
func caughtUp(ctx context.Context, src view.Source, generation int64) error {
	for range 250 {
		s, err := src.Snapshot(ctx)
		if err != nil {
			return err
		}
		if s.Exists && s.Generation >= generation {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return errors.New("the claim was applied, but the watch does not see it")
}

// remove deletes the claim with the propagation that kubectl uses. A claim that
// was deleted before is followed to its end.
func (d *demo) remove(ctx context.Context, s view.Snapshot) error {
	err := d.studios().Delete(ctx, d.claim.GetName(), metav1.DeleteOptions{})
	if kerrors.IsNotFound(err) && len(s.Resources()) > 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot delete the claim: %w", err)
	}
	return nil
}

func (d *demo) ledger(ctx context.Context) (view.Ledger, error) {
	return view.GetLedger(ctx, d.bed.Ledger)
}

func (d *demo) place(c cli) view.Place {
	again := func(flags string) string {
		return fmt.Sprintf("%s %s--bed %s --claim %s", os.Args[0], flags, c.Bed, c.Claim)
	}
	return view.Place{Kubeconfig: d.bed.Kubeconfig, Ledger: d.bed.Ledger, Keep: c.Keep, Delete: again("--delete "), Down: "make demo-down"}
}
