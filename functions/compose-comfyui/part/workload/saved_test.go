package workload

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestSaved holds that what people save comes back in the next pod: it is restored
// before anything that writes runs, kept from then on, and lies where no other
// pool's does.
func TestSaved(t *testing.T) {
	p := newPlan(t)
	pod := in[appsv1.Deployment](t, compose(t, p, known(), up(t, p, known())), plan.Servers("people")).Spec.Template.Spec

	at := func(name string) int {
		return slices.IndexFunc(pod.InitContainers, func(c corev1.Container) bool { return c.Name == name })
	}
	if at("restore") < 0 || at("keep") < at("restore") {
		t.Fatalf("It is restored first: restore is container %d, keep %d", at("restore"), at("keep"))
	}

	restored, keeper := pod.InitContainers[at("restore")], pod.InitContainers[at("keep")]
	if restored.RestartPolicy != nil || keeper.RestartPolicy == nil || *keeper.RestartPolicy != corev1.ContainerRestartPolicyAlways {
		t.Error("One ends before the server starts, the other after it.")
	}

	// Both see the same places, and turn what one does into the other.
	if diff := cmp.Diff(restored.VolumeMounts, keeper.VolumeMounts); diff != "" {
		t.Errorf("mounts: -restore, +keep:\n%s", diff)
	}

	flags := func(c corev1.Container) map[string]string {
		out := map[string]string{}

		for _, a := range c.Args[1:] {
			name, value, _ := strings.Cut(a, "=")
			out[name] = value
		}

		return out
	}

	r, k := flags(restored), flags(keeper)
	if diff := cmp.Diff(map[string]string{"--from": r["--to"], "--to": r["--from"], "--ledger": r["--ledger"]}, k); diff != "" {
		t.Errorf("keep: -want, +got:\n%s", diff)
	}

	mounts := map[string]corev1.VolumeMount{}
	for _, m := range restored.VolumeMounts {
		mounts[m.Name] = m
	}

	if m := mounts["inputs"]; m.MountPath != r["--from"] || m.SubPathExpr != ".studio/user/$(POOL)" {
		t.Errorf("It lies in the bucket that keeps everything, by pool: got %+v", m)
	}

	server := pod.Containers[0].VolumeMounts
	i := slices.IndexFunc(server, func(m corev1.VolumeMount) bool { return m.Name == "user" })

	if got := path.Join(mounts["user"].MountPath, server[i].SubPath); got != r["--to"] {
		t.Errorf("The server's user directory is what is restored: want %s, got %s", r["--to"], got)
	}
}
