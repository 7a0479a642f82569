package workload

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kittest"
)

// A finding is what the linter says of an object, and why it stays so.
type finding struct{ says, because string }

const (
	server = "Deployment comfyui-people"
	door   = "Deployment front-door"

	unthrottled = "a processor that is throttled fails its probes; who has to wait is only slow"
	burst       = "what is reserved is what is used at rest: the rest of a node is for whoever needs it"
	disk        = "nodes have a disk of hundreds of gigabytes for it, which a limit would end a server for filling"
	pinned      = "images are named by their digest: what was pulled is what would be pulled"
)

// reasons are all findings there are.
func reasons() map[string]finding {
	return map[string]finding{
		"container-cpu-requests-equal-limits: " + server:           {"CPU requests does not match limits", unthrottled},
		"container-cpu-requests-equal-limits: " + door:             {"CPU requests does not match limits", unthrottled},
		"container-memory-requests-equal-limits: " + server:        {"Memory requests does not match limits", burst},
		"container-memory-requests-equal-limits: " + door:          {"Memory requests does not match limits", burst},
		"container-resource-requests-equal-limits: " + server:      {"CPU requests does not match limits; Memory requests does not match limits", burst},
		"container-resource-requests-equal-limits: " + door:        {"CPU requests does not match limits; Memory requests does not match limits", burst},
		"container-resources: " + server:                           {"CPU limit is not set; comfyui: Memory limit is not set", unthrottled + "; ComfyUI keeps weights in what memory the node has, and is alone there"},
		"container-resources: " + door:                             {"CPU limit is not set", unthrottled},
		"container-ephemeral-storage-request-and-limit: " + server: {"Ephemeral Storage limit is not set; Ephemeral Storage request is not set", disk},
		"container-ephemeral-storage-request-and-limit: " + door:   {"Ephemeral Storage limit is not set; Ephemeral Storage request is not set", "it writes nothing"},
		"container-image-pull-policy: " + server:                   {"ImagePullPolicy is not set to Always", pinned},
		"container-image-pull-policy: " + door:                     {"ImagePullPolicy is not set to Always", pinned},
		"deployment-has-host-podantiaffinity: " + server:           {"Deployment does not have a host podAntiAffinity set", "a GPU each keeps them apart, and a node with several is there for several"},
		"deployment-has-host-podantiaffinity: " + door:             {"Deployment does not have a host podAntiAffinity set", "its topology spread constraint keeps them apart"},
		"deployment-replicas: " + server:                           {"Deployment few replicas", "the front door owns the number"},
		"pod-probes-identical: " + server:                          {"Container has the same readiness and liveness probe", "ComfyUI has one cheap answer; the liveness probe is far more patient"},
		"service-type: Service front-door":                         {"The service is of type NodePort", "the load balancer is the composition's own and reaches nodes"},
	}
}

// TestLinter has kube-score, with all of its checks, read all that lies in the
// cluster. A finding without a reason fails, and so does a reason without a finding.
func TestLinter(t *testing.T) {
	linter, err := exec.LookPath("kube-score")
	if err != nil {
		t.Skip("kube-score is not installed: make _output/bin/kube-score, and have that folder in PATH")
	}

	p := newPlan(t)

	want := map[string]string{}
	for at, f := range reasons() {
		want[at] = f.says
	}

	if diff := cmp.Diff(want, findings(t, linter, manifests(t, compose(t, p, known(), up(t, p, known()))))); diff != "" {
		t.Errorf("findings: -with a reason, +found:\n%s", diff)
	}
}

// scored is what the linter says of an object.
type scored struct {
	Type struct {
		Kind string `json:"kind"`
	} `json:"type_meta"`
	Object struct {
		Name string `json:"name"`
	} `json:"object_meta"`
	Checks []struct {
		Check struct {
			ID string `json:"id"`
		} `json:"check"`
		Grade    int       `json:"grade"`
		Skipped  bool      `json:"skipped"`
		Comments []comment `json:"comments"`
	} `json:"checks"`
}

type comment struct {
	Path    string `json:"path"`
	Summary string `json:"summary"`
}

// words are each comment once, with the names of the containers where it is not said
// of all.
func words(all []comment) string {
	everybody, said := map[string]bool{}, map[string][]string{}
	for _, c := range all {
		everybody[c.Path] = true
		said[c.Summary] = append(said[c.Summary], c.Path)
	}

	var out []string

	for _, summary := range slices.Sorted(maps.Keys(said)) {
		text := summary
		if len(said[summary]) < len(everybody) {
			text = strings.Join(said[summary], ", ") + ": " + summary
		}

		out = append(out, text)
	}

	return strings.Join(out, "; ")
}

// warning is the best of the grades that are a finding.
const warning = 5

// findings are the linter's words by check and object.
func findings(t *testing.T, linter string, manifests []byte) map[string]string {
	t.Helper()

	args := []string{"score", "--kubernetes-version=v1.35", "--output-format=json"}

	list, err := exec.CommandContext(t.Context(), linter, "list").Output()
	if err != nil {
		t.Fatal(err)
	}

	checks, err := csv.NewReader(bytes.NewReader(list)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range checks {
		if c[3] == "optional" {
			args = append(args, "--enable-optional-test="+c[0])
		}
	}

	cmd := exec.CommandContext(t.Context(), linter, append(args, "-")...)
	cmd.Stdin = bytes.NewReader(manifests)

	// It fails when it finds something.
	b, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}

	var all []scored
	if err := json.Unmarshal(b, &all); err != nil || len(all) == 0 {
		t.Fatalf("it reads nothing: %v: %s", err, b)
	}

	out := map[string]string{}

	for _, o := range all {
		for _, c := range o.Checks {
			if c.Skipped || c.Grade > warning {
				continue
			}

			out[c.Check.ID+": "+o.Type.Kind+" "+o.Object.Name] = words(c.Comments)
		}
	}

	return out
}

// manifests are all that lies in the cluster.
func manifests(t *testing.T, r kittest.Result) []byte {
	t.Helper()

	var out []byte

	for _, k := range slices.Sorted(maps.Keys(r.Resources)) {
		manifest, found, err := unstructured.NestedMap(r.Resources[k].Object, "spec", "forProvider", "manifest")
		if err != nil {
			t.Fatal(err)
		}

		if !found {
			continue
		}

		b, err := yaml.Marshal(manifest)
		if err != nil {
			t.Fatal(err)
		}

		out = append(append(out, "---\n"...), b...)
	}

	return out
}
