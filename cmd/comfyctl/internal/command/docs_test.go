package command

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

func reference(t *testing.T) string {
	t.Helper()

	b, err := os.ReadFile(root + "/docs/reference/comfyctl.md")
	if err != nil {
		t.Fatal(err)
	}

	return string(b)
}

// words is a command line as a shell would split it, as far as the reference goes.
var words = regexp.MustCompile(`(?:[^\s"']|"[^"]*"|'[^']*')+`)

// understood says why a command line would be an error of usage.
func understood(line string) error {
	line = regexp.MustCompile(`\s[|<>].*`).ReplaceAllString(line, "")
	given := words.FindAllString(line, -1)[1:]

	for i := range given {
		given[i] = strings.NewReplacer(`"`, "", "'", "").Replace(given[i])
	}

	c := newRoot(&tool{})
	c.InitDefaultCompletionCmd()

	sub, rest, err := c.Find(given)
	if err != nil {
		return err
	}

	if err := sub.ParseFlags(rest); err != nil {
		return err
	}

	if sub.Args == nil {
		return nil
	}

	return sub.Args(sub, sub.Flags().Args())
}

// TestReference: what the reference and the help show is understood, and every
// command is in the reference.
func TestReference(t *testing.T) {
	doc := reference(t)

	var lines []string

	for line := range strings.Lines(doc) {
		if l := strings.TrimPrefix(line, "_output/bin/"); strings.HasPrefix(l, "comfyctl ") {
			lines = append(lines, l)
		}
	}

	var visit func(c *cobra.Command)

	visit = func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			lines = append(lines, strings.TrimSpace(line))
		}

		for _, sub := range c.Commands() {
			if name := sub.Name(); name != "help" && !strings.Contains(doc, name) {
				t.Errorf("The reference does not know %s", sub.CommandPath())
			}

			visit(sub)
		}
	}

	visit(newRoot(&tool{}))

	if len(lines) < 20 {
		t.Fatalf("There are %d command lines, and there were more", len(lines))
	}

	for _, line := range lines {
		if err := understood(line); err != nil {
			t.Errorf("%s\nis shown, and is not understood: %v", line, err)
		}
	}

	if understood("comfyctl run --sed 1 x.json") == nil || understood("comfyctl run") == nil {
		t.Error("What is wrong must not be understood, or this test proves nothing.")
	}
}

// TestJob runs what the reference's Job runs.
func TestJob(t *testing.T) {
	alone(t)

	_, text, ok := strings.Cut(reference(t), "```yaml\n")
	text, _, closed := strings.Cut(text, "```")

	job := batchv1.Job{}
	if err := yaml.UnmarshalStrict([]byte(text), &job); err != nil || !ok || !closed {
		t.Fatal("The reference has a Job: ", err)
	}

	_, address := comfytest.Start(t, comfytest.Options{})
	c := job.Spec.Template.Spec.Containers[0]

	for _, e := range c.Env {
		t.Setenv(e.Name, map[string]string{"COMFY_URL": address, "COMFY_TOKEN": "any"}[e.Name])
	}

	if code, out, log := call(t, c.Args...); code != 0 || !strings.Contains(out, `"name": "weight-free"`) {
		t.Errorf("It ends well: %d: %s%s", code, out, log)
	}
}
