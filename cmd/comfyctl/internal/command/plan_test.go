package command

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/apis/comfyuistudios"
	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/internal/preview"
)

const root = "../../../.."

// function is the composition function as it is built here.
var function = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "function")
	if err != nil {
		return "", err
	}

	program := filepath.Join(dir, functionName)
	cmd := exec.Command("go", "build", "-o", program, "./functions/compose-comfyui")
	cmd.Dir = root
	cmd.Stderr = os.Stderr

	return program, cmd.Run()
})

func withFunction(t *testing.T) {
	t.Helper()

	program, err := function()
	if err != nil {
		t.Fatal(err)
	}

	t.Setenv("COMFYCTL_FUNCTION", program)
}

// TestPlan shows what the example becomes, without a cluster and without AWS.
func TestPlan(t *testing.T) {
	alone(t)
	withFunction(t)

	code, out, log := call(t, "plan", root+"/examples/minimal.yaml", "--json")
	got := struct {
		Plans []outlook `json:"plans"`
	}{}

	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || len(got.Plans) != 1 {
		t.Fatalf("%v: %d: %s%s", err, code, out, log)
	}

	plan := got.Plans[0]

	// Every part is there, and what a studio is known by.
	for _, part := range []string{"network", "cluster", "capacity", "storage", "modelsync", "image", "workload", "edge"} {
		if len(plan.Resources[part]) == 0 {
			t.Errorf("Part %s has no resources", part)
		}
	}

	if plan.Resources["network"]["VPC"] != 1 || plan.Resources["cluster"]["Cluster"] != 1 || plan.Resources["storage"]["Bucket"] != 3 {
		t.Errorf("A studio is one VPC, one cluster and three buckets: %v", plan.Resources)
	}

	// The distribution needs the origin, which needs the load balancer: nothing else
	// takes as long.
	var kinds []string
	for _, m := range plan.Path {
		kinds = append(kinds, m.Kind)
	}

	if path := strings.Join(kinds, " "); !strings.Contains(path, "LB VPCOrigin Distribution") {
		t.Errorf("The critical path is %s", path)
	}

	for i := 1; i < len(plan.Path); i++ {
		if plan.Path[i].Start < plan.Path[i-1].End {
			t.Errorf("%s begins before %s is there", plan.Path[i].Key, plan.Path[i-1].Key)
		}
	}

	if plan.Cost.Hourly == "" || plan.Cost.Idle == "" || len(plan.Roles) < 8 {
		t.Errorf("Cost and roles are told: %+v, %d roles", plan.Cost, len(plan.Roles))
	}

	// The same for people.
	code, out, log = call(t, "plan", root+"/examples/minimal.yaml")
	for _, want := range []string{"studio art/tokyo in ap-northeast-1: ", "USD an hour", "what it waits for longest:", "The studio's front door"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("want %q in\n%s%s", want, out, log)
		}
	}
}

// TestPlanLive compares a claim with the one in the cluster.
func TestPlanLive(t *testing.T) {
	alone(t)
	withFunction(t)

	claims, err := preview.ReadClaims(comfyuistudios.Definition, root+"/examples/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}

	b, err := claims[0].MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}

	live := &v1alpha1.ComfyUIStudio{}
	if err := json.Unmarshal(b, live); err != nil {
		t.Fatal(err)
	}

	t.Setenv("KUBECONFIG", cluster(t, live, ""))

	write := func(change func(*v1alpha1.ComfyUIStudio)) string {
		next := live.DeepCopy()
		change(next)

		b, err := yaml.Marshal(next)
		if err != nil {
			t.Fatal(err)
		}

		return file(t, strings.Replace(string(b), "status: {}\n", "", 1))
	}

	cases := map[string]struct {
		reason string
		change func(*v1alpha1.ComfyUIStudio)
		code   int
		says   []string
	}{
		"Same": {"Nothing changes where nobody changed anything.", func(*v1alpha1.ComfyUIStudio) {}, 0, []string{"against the claim in the cluster: 0 resources change"}},
		"Door": {
			"What comes and goes with a field is told.",
			func(s *v1alpha1.ComfyUIStudio) { s.Spec.Access.CDN = new(false) },
			0,
			[]string{"remove edge-distribution (Distribution)", "change "},
		},
		"Region": {
			"What the API server would refuse is refused.",
			func(s *v1alpha1.ComfyUIStudio) { s.Spec.Region = "us-east-1" },
			exitFailed,
			[]string{"spec.region cannot be changed, because a studio cannot move"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			code, out, log := call(t, "plan", write(tc.change), "--live")

			for _, want := range tc.says {
				if code != tc.code || !strings.Contains(out+log, want) {
					t.Errorf("%s\nwant %d and %q, got %d and\n%s%s", tc.reason, tc.code, want, code, out, log)
				}
			}
		})
	}
}

// TestPlanRefused refuses what could not be applied, before anything is started.
func TestPlanRefused(t *testing.T) {
	alone(t)
	t.Setenv("COMFYCTL_FUNCTION", "/nonexistent/function")

	claim := file(t, "apiVersion: aws.comfyui-studio.io/v1alpha1\nkind: ComfyUIStudio\nmetadata: {name: tokyo}\nspec: {region: ap-northeast-1, regoin: a}\n")

	if code, _, log := call(t, "plan", claim); code != exitFailed || !strings.Contains(log, `unknown field "spec.regoin"`) {
		t.Errorf("want the API server's words, got %d: %s", code, log)
	}

	if code, _, log := call(t, "plan", root+"/examples/minimal.yaml"); code != exitFailed || !strings.Contains(log, "cannot start the function") {
		t.Errorf("A function that is not there is said so: %d: %s", code, log)
	}
}
