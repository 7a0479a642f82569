package workload

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/facts"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/plan"
)

// TestServerGates holds servers back until there is something to run and until
// what takes their nodes away again is there.
func TestServerGates(t *testing.T) {
	cases := map[string]struct {
		reason string
		facts  func(f *facts.Facts)
		lacks  kit.Key
		want   []string
	}{
		"NoImage": {
			reason: "The image is being built.",
			facts:  func(f *facts.Facts) { f.Image.URI = "" },
			want:   []string{"the ComfyUI image"},
		},
		"NoAgent": {
			reason: "The sidecar's image is ours.",
			facts:  func(f *facts.Facts) { f.Image.AgentMirrored = false },
			want:   []string{"our own image in the account"},
		},
		"NoNodePool": {
			reason: "A pod could wait for a node, but a Deployment without a NodePool behind it is not taken away in order.",
			lacks:  plan.NodePool("people"),
			want:   []string{string(plan.NodePool("people"))},
		},
		"NoVolume": {
			reason: "Its volumes are mounted before it starts.",
			lacks:  plan.VolumeClaim(plan.Outputs),
			want:   []string{string(plan.VolumeClaim(plan.Outputs))},
		},
		"NoWall": {
			reason: "Nothing runs before everything is shut off from it.",
			lacks:  plan.DenyAll,
			want:   []string{string(plan.DenyAll)},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p, f := newPlan(t), known()
			states := up(t, p, f)
			delete(states, plan.Servers("people"))
			delete(states, tc.lacks)

			if tc.facts != nil {
				tc.facts(&f)
			}

			if diff := cmp.Diff(tc.want, compose(t, p, f, states).Waiting[plan.Servers("people")]); diff != "" {
				t.Errorf("%s\nWaiting: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestServers holds the fields that protect people's work and money.
func TestServers(t *testing.T) {
	p := newPlan(t, pools(pool("people", 2, 3, "--preview-method", "auto")))
	r := compose(t, p, known(), up(t, p, known()))

	u := r.Resources[plan.Servers("people")].Object
	if _, found, _ := unstructured.NestedFieldNoCopy(u, "spec", "forProvider", "manifest", "spec", "replicas"); found {
		t.Error("The front door owns the replicas: an applied count would put its servers back on every look.")
	}

	if _, found, _ := unstructured.NestedSlice(u, "spec", "managementPolicies"); found {
		t.Error("Servers hold GPU nodes: they are taken out of the cluster when they leave.")
	}

	d := in[appsv1.Deployment](t, r, plan.Servers("people"))
	pod := d.Spec.Template.Spec

	type want struct {
		Annotations      map[string]string
		Surge            int
		GPUs             int64
		Selector, Labels map[string]string
		Nodes            map[string]string
		Tolerates        string
		Grace            int64
		Token            bool
		Images           []string
		LastArgs         []string
	}

	got := want{
		Annotations: d.Annotations,
		Surge:       d.Spec.Strategy.RollingUpdate.MaxSurge.IntValue(),
		GPUs:        pod.Containers[0].Resources.Limits.Name(gpu, "").Value(),
		Selector:    d.Spec.Selector.MatchLabels,
		Labels:      d.Spec.Template.Labels,
		Nodes:       pod.NodeSelector,
		Tolerates:   pod.Tolerations[0].Key,
		Grace:       *pod.TerminationGracePeriodSeconds,
		Token:       *pod.AutomountServiceAccountToken,
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		got.Images = append(got.Images, c.Name+" "+c.Image)
	}

	args := pod.Containers[0].Args
	got.LastArgs = args[len(args)-2:]

	mark := map[string]string{"app.kubernetes.io/name": "comfyui", "comfyui-studio/pool": "people"}
	agent := p.AgentImage()

	if diff := cmp.Diff(want{
		Annotations: map[string]string{"comfyui-studio/min-servers": "2", "comfyui-studio/max-servers": "3"},
		GPUs:        1,
		Selector:    mark, Labels: mark,
		Nodes:     map[string]string{"comfyui-studio/pool": "people"},
		Tolerates: "nvidia.com/gpu",
		Grace:     840,
		// The ComfyUI image comes first: it is pulled while models are copied.
		Images:   []string{"models " + image, "tools " + agent, "restore " + agent, "keep " + agent, "uploader " + agent, "comfyui " + image},
		LastArgs: []string{"--preview-method", "auto"},
	}, got); diff != "" {
		t.Errorf("Deployment: -want, +got:\n%s", diff)
	}
}

// TestOutputs holds what two servers write apart, and what Mountpoint cannot take
// off it.
func TestOutputs(t *testing.T) {
	p := newPlan(t)
	pod := in[appsv1.Deployment](t, compose(t, p, known(), up(t, p, known())), plan.Servers("people")).Spec.Template.Spec

	type mount struct{ Volume, SubPath string }

	mounts := map[string]mount{}
	for _, m := range pod.Containers[0].VolumeMounts {
		mounts[m.MountPath] = mount{m.Name, m.SubPath + m.SubPathExpr}
	}

	want := map[string]mount{
		"/opt/comfyui/models": {"models", ""},
		"/data/input":         {"inputs", ""},
		"/data/output":        {"outputs", "$(POOL)/$(POD_NAME)"},
		"/data/output/3d":     {"local", "3d"},
		"/data/output/audio":  {"local", "audio"},
		"/data/output/video":  {"local", "video"},
		"/data/scratch":       {"scratch", ""},
		"/data/user":          {"user", "files"},
		"/tmp":                {"tmp", ""},
		"/dev/shm":            {"shm", ""},
		"/studio/bin":         {"tools", ""},
	}
	if diff := cmp.Diff(want, mounts); diff != "" {
		t.Errorf("ComfyUI's mounts: -want, +got:\n%s", diff)
	}

	// Every directory that ComfyUI is told of is one that it may write to, and the
	// database is in none that two servers share.
	args := pod.Containers[0].Args
	for i, a := range args {
		if dir := strings.TrimPrefix(args[min(i+1, len(args)-1)], "sqlite:///"); strings.HasSuffix(a, "-directory") || a == "--database-url" {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(mounts)), func(m string) bool { return m == dir || m == path.Dir(dir) }) {
				t.Errorf("%s %s: is not mounted", a, dir)
			}
		}
	}

	for _, v := range pod.Volumes {
		if name := v.Name; name == "user" || name == "scratch" || name == "local" {
			if v.EmptyDir == nil || v.EmptyDir.Medium != corev1.StorageMediumDefault {
				t.Errorf("%s: what seeks, renames and locks lies on the node's disk, not in %v", name, v.VolumeSource)
			}
		}

		if v.HostPath != nil && *v.HostPath.Type != corev1.HostPathDirectory {
			t.Errorf("%s: a directory that is made when it is missing would be on the root disk of a node whose store is not mounted", v.Name)
		}
	}
}

// TestHardening holds every container of every pod to the same bounds.
func TestHardening(t *testing.T) {
	p := newPlan(t)
	r := compose(t, p, known(), up(t, p, known()))

	for _, k := range []kit.Key{plan.FrontDoor, plan.Servers("people")} {
		pod := in[appsv1.Deployment](t, r, k).Spec.Template.Spec

		if s := pod.SecurityContext; !*s.RunAsNonRoot || *s.RunAsUser == 0 || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: its pods run unbounded: %v", k, s)
		}

		if pod.HostNetwork || pod.HostPID || pod.HostIPC || *pod.EnableServiceLinks {
			t.Errorf("%s: its pods see the node", k)
		}

		for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
			s := c.SecurityContext
			if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || s.Privileged != nil ||
				!cmp.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || s.Capabilities.Add != nil {
				t.Errorf("%s: container %s runs unbounded: %v", k, c.Name, s)
			}

			for _, m := range c.VolumeMounts {
				if (m.Name == "models" || m.Name == "node") && !m.ReadOnly {
					t.Errorf("%s: container %s may write %s, which other servers read", k, c.Name, m.Name)
				}
			}

			if !strings.Contains(c.Image, "@sha256:") {
				t.Errorf("%s: container %s: %s is not pinned", k, c.Name, c.Image)
			}
		}
	}

	if in[corev1.ServiceAccount](t, r, plan.ServerAccount).AutomountServiceAccountToken == nil {
		t.Error("A pod of another author would get the servers' token.")
	}

	// No identity in AWS is bound to the servers' account.
	for k, u := range r.Resources {
		if u.GetKind() != "PodIdentityAssociation" {
			continue
		}

		if account, _, _ := unstructured.NestedString(u.Object, "spec", "forProvider", "serviceAccount"); account != plan.FrontDoorName {
			t.Errorf("%s: gives %s credentials", k, account)
		}
	}
}

// TestFound holds that Deployments are found by their labels, as their pods are:
// that is how whoever looks after them tells one from the other.
func TestFound(t *testing.T) {
	p := newPlan(t)
	r := compose(t, p, known(), up(t, p, known()))

	for _, k := range []kit.Key{plan.FrontDoor, plan.Servers("people")} {
		d := in[appsv1.Deployment](t, r, k)
		if diff := cmp.Diff(d.Spec.Template.Labels, d.Labels); diff != "" || d.Labels[plan.LabelName] == "" {
			t.Errorf("%s: labels: -pods, +Deployment:\n%s", k, diff)
		}
	}
}
