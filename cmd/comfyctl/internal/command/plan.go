package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comfyui-studio/comfyui-studio/apis/comfyuistudios"
	"github.com/comfyui-studio/comfyui-studio/internal/iam"
	"github.com/comfyui-studio/comfyui-studio/internal/preview"
)

const planLong = `Show what a claim becomes, before it is applied: how many resources each part has,
who may do what, what it costs an hour awake and asleep, and what it takes longest to
wait for. Nothing is asked but this machine: no cluster, no AWS.

With --live the claim of the same name is read from the cluster of your kubeconfig,
and what changes is shown, resource by resource. A change that the API server would
refuse is refused here with the same words.

It asks the composition function itself, compose-comfyui, which is looked for beside
comfyctl, on the PATH, or where --function says.`

const planExample = `  comfyctl plan examples/sdxl.yaml
  comfyctl plan claim.yaml --live`

// functionName is the composition function's program.
const functionName = "compose-comfyui"

// planning is a command line of plan.
type planning struct {
	*tool

	function string
	live     bool
}

func newPlan(t *tool) *cobra.Command {
	p := &planning{tool: t}
	c := &cobra.Command{
		Use: "plan FILE", Short: "Show what a claim becomes: resources, rights, cost, time, changes", Long: planLong, Example: planExample,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error { return p.run(cmd.Context(), given[0]) },
	}
	c.Flags().StringVar(&p.function, "function", "", "the composition function's program (COMFYCTL_FUNCTION)")
	c.Flags().BoolVar(&p.live, "live", false, "show what changes against the claim in the cluster")

	return c
}

func (p *planning) run(ctx context.Context, file string) error {
	// The claims are refused before anything is started.
	claims, err := preview.ReadClaims(comfyuistudios.Definition, file) //nolint:contextcheck // Compiling rules cannot be cancelled.
	if err != nil {
		return err
	}

	program, err := p.program()
	if err != nil {
		return err
	}

	f, err := preview.Start(ctx, program)
	if err != nil {
		return err
	}
	defer f.Stop()

	var all []outlook

	for _, claim := range claims {
		one, err := p.look(ctx, f, claim)
		if err != nil {
			return err
		}

		all = append(all, one)
	}

	if p.json {
		return p.print(map[string]any{"plans": all})
	}

	for _, one := range all {
		one.write(p.out)
	}

	return nil
}

// program finds the function.
func (p *planning) program() (string, error) {
	if said := cmp.Or(p.function, environment("COMFYCTL_FUNCTION")); said != "" {
		return said, nil
	}

	if own, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(own), functionName); exists(beside) {
			return beside, nil
		}
	}

	found, err := exec.LookPath(functionName)
	if err != nil {
		return "", usageError{fmt.Errorf("%s is neither beside comfyctl nor on the PATH: build it with make build and say --function _output/bin/%s", functionName, functionName)}
	}

	return found, nil
}

// outlook is what is said of a claim.
type outlook struct {
	Studio    string                    `json:"studio"`
	Region    string                    `json:"region"`
	Resources map[string]map[string]int `json:"resources"`
	Roles     []right                   `json:"roles"`
	Cost      struct {
		Hourly string `json:"hourlyUSD"`
		Idle   string `json:"idleHourlyUSD"`
	} `json:"cost"`
	Path []moment `json:"criticalPath"`
	// Changes is nil where nothing was compared.
	Changes []preview.Change `json:"changes,omitempty"`
	// compared says that it was.
	compared bool
}

// right is what a role may do.
type right struct {
	Name     string   `json:"name"`
	For      string   `json:"for"`
	Actions  []string `json:"actions,omitempty"`
	Policies []string `json:"policies,omitempty"`
}

// moment is a step of the critical path.
type moment struct {
	Key   string  `json:"key"`
	Kind  string  `json:"kind"`
	Start float64 `json:"startSeconds"`
	End   float64 `json:"endSeconds"`
}

func (p *planning) look(ctx context.Context, f *preview.Function, claim *unstructured.Unstructured) (outlook, error) {
	s := preview.Studio{Claim: claim}

	made, err := s.Schedule(ctx, f)
	if err != nil {
		return outlook{}, err
	}

	out := outlook{Studio: claim.GetNamespace() + "/" + claim.GetName(), Resources: map[string]map[string]int{}}
	out.Region, _, _ = unstructured.NestedString(claim.Object, "spec", "region")
	out.Cost.Hourly, _, _ = unstructured.NestedString(made.Claim.Object, "status", "cost", "hourlyUSD")
	out.Cost.Idle, _, _ = unstructured.NestedString(made.Claim.Object, "status", "cost", "idleHourlyUSD")

	objects := []*unstructured.Unstructured{}

	for _, r := range made.Rendering {
		part, _, _ := strings.Cut(r.Key, "-")
		if out.Resources[part] == nil {
			out.Resources[part] = map[string]int{}
		}

		out.Resources[part][r.Object.GetKind()]++

		objects = append(objects, r.Object)
	}

	if out.Roles, err = rights(objects); err != nil {
		return outlook{}, err
	}

	for _, s := range made.Path() {
		out.Path = append(out.Path, moment{s.Key, s.Kind, s.Start.Seconds(), s.End.Seconds()})
	}

	if p.live {
		out.compared = true
		out.Changes, err = p.changes(ctx, f, claim, made.Rendering)
	}

	return out, err
}

func rights(objects []*unstructured.Unstructured) ([]right, error) {
	studio, err := iam.Of(objects)
	if err != nil {
		return nil, err
	}

	var out []right

	for _, r := range studio.Roles {
		actions := map[string]bool{}

		for _, s := range r.Statements {
			for _, a := range s.Action {
				actions[a] = true
			}
		}

		one := right{Name: r.Name, For: r.Description, Actions: slices.Sorted(maps.Keys(actions))}
		for _, arn := range r.Managed {
			one.Policies = append(one.Policies, arn[strings.LastIndex(arn, "/")+1:])
		}

		out = append(out, one)
	}

	return out, nil
}

// changes holds what a claim becomes against what the one in the cluster becomes.
// Both are made up here from their specs, so what differs is what somebody changed.
func (p *planning) changes(ctx context.Context, f *preview.Function, claim *unstructured.Unstructured, next preview.Rendering) ([]preview.Change, error) {
	t := p.target
	if t.studio == "" && t.context == "" && t.url == "" {
		t.studio = claim.GetNamespace() + "/" + claim.GetName()
	}

	at, err := t.find(ctx)
	if err != nil {
		return nil, err
	}

	if at.claim == nil {
		return nil, usageError{errors.New("--live needs a claim to compare with: give --studio NAMESPACE/NAME")}
	}

	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(at.claim)
	if err != nil {
		return nil, fmt.Errorf("cannot read the claim in the cluster: %w", err)
	}

	old := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": claim.GetAPIVersion(), "kind": claim.GetKind(), "spec": object["spec"],
		"metadata": map[string]any{"name": at.claim.GetName(), "namespace": at.claim.GetNamespace()},
	}}

	if err := preview.Allowed(comfyuistudios.Definition, claim, old); err != nil { //nolint:contextcheck // Compiling rules cannot be cancelled.
		return nil, err
	}

	s := preview.Studio{Claim: old}

	before, err := s.Render(ctx, f, true)
	if err != nil {
		return nil, err
	}

	return preview.Compare(before, next), nil
}
