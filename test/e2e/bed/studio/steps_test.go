package studio

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/gate"
)

// aModel is a declared model.
func aModel(path string) map[string]any {
	return map[string]any{
		"path": path, "url": "https://models.example.com/" + path,
		"sha256": "31e35c80fc4829d14f90153f4c74cd59c90b779f6afe05a74cd6120b893f7e5b", "size": int64(1000000000),
	}
}

// TestModels declares models, more of them, and none.
func TestModels(t *testing.T) {
	long(t)

	s := newStudio(t)
	s.apply(small(nil))
	s.awaitReady()

	files := func(all ...any) map[string]any {
		return small(map[string]any{"models": map[string]any{"files": all}})
	}

	build := []string{
		"image-build-logs-models", "image-build-policy-models", "image-build-project-models", "image-build-role-models",
		"image-build-rule-models", "image-build-target-models", "image-context-models-*", "image-marker-models-*", "image-schedule-models-*",
		"usage-image-build-logs-models-by-image-build-project-models",
		"usage-image-build-policy-models-by-image-build-project-models",
		"usage-image-build-rule-models-by-image-build-target-models",
	}
	list := []string{"image-context-models-*", "image-marker-models-*", "image-schedule-models-*"}

	s.walk(t, []step{
		{
			name: "Declared", reason: "The build that fetches models comes, and may be started; nodes must have room for them.",
			spec: files(aModel("checkpoints/a.safetensors")),
			want: difference{Added: build, Written: []string{"capacity-node-pool-default", "image-trigger-policy", "image-trigger-role"}},
		},
		{
			name: "Added", reason: "Another list is another context for the same build.",
			spec: files(aModel("checkpoints/a.safetensors"), aModel("checkpoints/b.safetensors")),
			want: difference{Added: list, Removed: list, Written: []string{"capacity-node-pool-default"}},
		},
		{
			name: "Dropped", reason: "All that came goes.", spec: small(nil),
			want: difference{Removed: build, Written: []string{"capacity-node-pool-default", "image-trigger-policy", "image-trigger-role"}},
		},
	})

	s.delete()
}

// TestEdgeChanges takes CloudFront away and brings it back, and changes the login.
func TestEdgeChanges(t *testing.T) {
	long(t)

	s := newStudio(t)
	s.secret("oidc", map[string]any{"clientSecret": "a-client-secret"})
	s.apply(withImage(nil))
	s.awaitReady()

	oidc := map[string]any{"login": "OIDC", "oidc": map[string]any{
		"issuer": "https://login.example.com", "clientID": "studio", "clientSecretRef": map[string]any{"name": "oidc", "key": "clientSecret"},
		"allowedGroups": []any{"studio"},
	}}

	// The address of CloudFront's network interfaces, and the VPN's.
	in := []string{"edge-load-balancer-in-*"}
	front := []string{
		"edge-distribution", "edge-load-balancer-in-*", "edge-vpc-origin-*", "usage-edge-load-balancer-by-edge-vpc-origin-*",
		"usage-edge-vpc-origin-*-by-edge-distribution", "usage-network-internet-gateway-by-edge-vpc-origin-*",
	}
	told := []string{"workload-front-door-config"}

	s.walk(t, []step{
		{
			name: "OIDC", reason: "The front door is told, and gets the client's secret.",
			spec: withImage(map[string]any{"access": oidc}),
			want: difference{Added: []string{"workload-front-door-oidc"}, Written: told},
		},
		{
			name: "Password", reason: "And the other way round.", spec: withImage(nil),
			want: difference{Removed: []string{"workload-front-door-oidc"}, Written: told},
		},
		{
			name: "CDNOff", reason: "The load balancer lets other addresses in. Behind it nothing changes.", spec: small(nil),
			want: difference{Added: in, Removed: front, Written: told},
		},
		{
			name: "CDNOn", reason: "The same comes back.", spec: withImage(nil),
			want: difference{Added: front, Removed: in, Written: told},
		},
	})

	s.delete()
}

// TestVersion moves the cluster up by one minor version.
func TestVersion(t *testing.T) {
	long(t)

	s := newStudio(t)
	s.apply(small(map[string]any{"kubernetes": map[string]any{"version": "1.35"}}))
	s.awaitReady()

	s.walk(t, []step{{
		name: "Up", reason: "The control plane goes first, its nodes follow. Both are updated in place.",
		spec: small(map[string]any{"kubernetes": map[string]any{"version": "1.36"}}),
		want: difference{Written: []string{"cluster-eks", "cluster-system-nodes"}},
	}})

	if got, _, _ := unstructured.NestedString(s.get().Object, "status", "cluster", "version"); got != "1.36" {
		t.Errorf("status.cluster.version: want 1.36, got %s", got)
	}

	s.delete()
}

// TestImageChanged declares another package for the image. The servers keep the
// digest that they have until the new one is there.
func TestImageChanged(t *testing.T) {
	long(t)

	s := newStudio(t)
	s.apply(map[string]any{"access": map[string]any{"cdn": false}})
	s.awaitReady()

	old := s.digest()

	shared.Wire().Forget()
	list := []string{"image-context-comfyui-*", "image-marker-comfyui-*", "image-schedule-comfyui-*"}

	s.walk(t, []step{{
		name: "Package", reason: "Another context for the same build, and then another digest.",
		spec: map[string]any{"access": map[string]any{"cdn": false}, "image": map[string]any{"pipPackages": []any{"einops==0.8.1"}}},
		want: difference{Added: list, Removed: list, Written: []string{"workload-servers-default"}},
	}})

	now := s.digest()
	if now == old || now == "" {
		t.Errorf("status.image.digest was %s and is %s", old, now)
	}

	kept := 0

	for i, r := range shared.Wire().RunsOf(s.namespace, s.name) {
		rsp, err := r.Response()
		if err != nil {
			t.Fatal(err)
		}

		built := false

		for k, o := range s.request(r).GetObserved().GetResources() {
			at := nested(o.GetResource().AsMap(), "status", "atProvider", "metadata")
			built = built || gate.Family(k) == "image-marker-comfyui-" && at["digest"] == now
		}

		servers := fmt.Sprint(rsp.GetDesired().GetResources()["workload-servers-default"].GetResource().AsMap())
		if want := map[bool]string{false: old, true: now}[built]; !contains(servers, want) {
			t.Errorf("run %d: the servers do not run %s", i, want)
		}

		if !built {
			kept++
		}
	}

	if kept == 0 {
		t.Error("no run saw the new image missing, so nothing was shown")
	}

	s.delete()
}

func (s studio) digest() string {
	s.t.Helper()

	digest, _, _ := unstructured.NestedString(s.get().Object, "status", "image", "digest")

	return digest
}
