package workload

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestPodSecurity holds our pods to Kubernetes' restricted standard, by its own
// checks. A server's models and their mark are on the node's disk, which no volume
// of that standard reaches: that and nothing else is why the namespace does not
// enforce it.
func TestPodSecurity(t *testing.T) {
	checks, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}

	p := newPlan(t)
	r := compose(t, p, known(), up(t, p, known()))

	cases := map[string]struct {
		reason  string
		key     kit.Key
		without func(v corev1.Volume) bool
		want    []string
	}{
		"FrontDoor": {reason: "It stands between everybody and the studio.", key: plan.FrontDoor},
		"Server": {
			reason: "It reads models from the node's disk.", key: plan.Servers("people"),
			want: []string{"restricted volume types"},
		},
		"ServerWithoutModels": {
			reason: "There is no other exception.", key: plan.Servers("people"),
			without: func(v corev1.Volume) bool { return v.HostPath != nil },
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			pod := in[appsv1.Deployment](t, r, tc.key).Spec.Template
			if tc.without != nil {
				pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, tc.without)
			}

			result := policy.AggregateCheckResults(checks.EvaluatePod(
				api.LevelVersion{Level: api.LevelRestricted, Version: api.MajorMinorVersion(1, 35)}, &pod.ObjectMeta, &pod.Spec))

			if diff := cmp.Diff(tc.want, result.ForbiddenReasons); diff != "" {
				t.Errorf("%s\nfindings: -want, +got:\n%s%s", tc.reason, diff, result.ForbiddenDetail())
			}
		})
	}
}

// TestHostPaths holds that servers only read what they have of the node's disk, and
// that it is two folders of ours.
func TestHostPaths(t *testing.T) {
	p := newPlan(t)
	pod := in[appsv1.Deployment](t, compose(t, p, known(), up(t, p, known())), plan.Servers("people")).Spec.Template.Spec

	var got []string

	for _, v := range pod.Volumes {
		if v.HostPath == nil {
			continue
		}

		got = append(got, v.HostPath.Path)

		for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
			for _, m := range c.VolumeMounts {
				if m.Name == v.Name && !m.ReadOnly {
					t.Errorf("%s may write to the node's %s", c.Name, v.HostPath.Path)
				}
			}
		}
	}

	if diff := cmp.Diff([]string{plan.NodeDirectory, plan.ModelsDirectory}, got); diff != "" {
		t.Errorf("host paths: -want, +got:\n%s", diff)
	}
}
