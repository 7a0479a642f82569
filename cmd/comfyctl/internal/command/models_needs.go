package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/need"
	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/fetch"
)

const needsLong = `Say which models a workflow needs, which of them the studio lacks, and how big they
are, and print the lines that have the studio fetch those by itself: put them below
spec.models in its claim.

The workflow is in the API's form, a PNG, or as ComfyUI's page saves it, which may say
where its models come from. What it does not say is looked up in the catalogue, and
sources are asked for size and sha256, unless you say --offline.

Exit code 6 says that the studio lacks some.`

const needsExample = `  comfyctl models from-workflow workflow.json --studio art/tokyo
  comfyctl models from-workflow workflow.json --offline --no-bucket`

// needing is a command line of from-workflow.
type needing struct {
	*models

	catalogue, tokenVariable string
	offline, noBucket        bool
}

func newFromWorkflow(m *models) *cobra.Command {
	n := &needing{models: m}
	c := &cobra.Command{
		Use: "from-workflow FILE", Short: "Say which models a workflow needs and lacks", Long: needsLong, Example: needsExample,
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: workflows,
		RunE: func(cmd *cobra.Command, given []string) error { return n.run(cmd.Context(), given[0]) },
	}
	f := c.Flags()
	f.StringVar(&n.catalogue, "catalogue", "", "file with models of your own, beside those that are built in")
	f.StringVar(&n.tokenVariable, "source-token-env", "", "environment variable that holds the bearer token for sources")
	f.BoolVar(&n.offline, "offline", false, "ask no sources")
	f.BoolVar(&n.noBucket, "no-bucket", false, "do not look into the studio's bucket")

	return c
}

// wanted is what is said of a model that a workflow names.
type wanted struct {
	need.Need

	// There is nil where nobody looked.
	There *bool `json:"there,omitempty"`
	// Unclear is why nothing can be said of its source.
	Unclear string `json:"unclear,omitempty"`
}

func (n *needing) run(ctx context.Context, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("cannot read the workflow: %w", err)
	}

	found, err := need.Workflow(b)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}

	all := make([]wanted, len(found))
	for i := range found {
		all[i] = wanted{Need: found[i]}
	}

	var (
		s     shelf
		there []bucket.Object
	)

	if !n.noBucket {
		if s, err = n.open(ctx); err != nil {
			return err
		}

		if there, err = s.objects(ctx); err != nil {
			return err
		}

		look(all, there)
	}

	if err := n.complete(ctx, s, all); err != nil {
		return err
	}

	return n.told(s, all, total(there))
}

// look marks what is there.
func look(all []wanted, there []bucket.Object) {
	for i := range all {
		all[i].There = new(false)

		for _, o := range there {
			if need.Same(o.Key, all[i].Path) {
				*all[i].There, all[i].Size = true, o.Size
			}
		}
	}
}

func (w *wanted) lacking() bool { return w.There != nil && !*w.There }

// complete looks up where models come from.
func (n *needing) complete(ctx context.Context, s shelf, all []wanted) error {
	known, err := need.Read(n.catalogue)
	if err != nil {
		return err
	}

	web := webPush{pushing: &pushing{models: n.models}, shelf: s}
	if s.client == nil {
		// Sources are asked all the same, and nothing is written anywhere.
		web.shelf.name = "none"

		if web.shelf.client, err = newClient(ctx, "us-east-1", n.endpoint); err != nil {
			return err
		}
	}

	f, err := web.fetcher(fetch.Options{Tries: 2})
	if err != nil {
		return err
	}

	for i := range all {
		all[i].lookUp(known)

		if all[i].There != nil && *all[i].There {
			continue
		}

		if !n.offline && all[i].URL != "" {
			if err := ask(ctx, f, &all[i].Model, n.tokenVariable); err != nil {
				all[i].Unclear = err.Error()
				continue
			}
		}

		all[i].Unclear = all[i].unclear()
	}

	return nil
}

// lookUp takes from the catalogue what the workflow does not say.
func (w *wanted) lookUp(known need.Catalogue) {
	m, ok := known.Find(w.Path)
	if !ok {
		return
	}

	if w.URL == "" || w.URL == m.URL {
		w.URL, w.SHA256 = m.URL, m.SHA256
	}

	if w.Size == 0 {
		w.Size = m.Size
	}
}

// unclear is what a claim would lack to have the studio fetch the model.
func (w *wanted) unclear() string {
	switch {
	case w.URL == "":
		return "no source is known"
	case w.SHA256 == "" || w.Size <= 0:
		return "its source did not tell sha256 and size"
	}

	return ""
}

// told prints what was found out. Whether all of it fits is said where the studio
// is known.
func (n *needing) told(s shelf, all []wanted, there int64) error {
	lacking, sum := 0, there

	var stanza []v1alpha1.ModelFile

	for _, w := range all {
		if w.There != nil && *w.There {
			continue
		}

		if w.lacking() {
			lacking++
		}

		sum += max(w.Size, 0)

		if w.Unclear == "" {
			stanza = append(stanza, v1alpha1.ModelFile{Path: w.Path, URL: w.URL, SHA256: w.SHA256, Size: w.Size})
		}
	}

	var fit error

	room := ""
	if s.claim != nil {
		room, fit = fits(s.claim, sum)
	}

	if n.json {
		if err := n.print(map[string]any{fieldModels: all, "files": stanza}); err != nil {
			return err
		}
	} else if err := n.lines(all, stanza, room); err != nil {
		return err
	}

	if lacking > 0 && fit == nil {
		return incompleteError{fmt.Errorf("the studio lacks %d of %d models", lacking, len(all))}
	}

	return fit
}

func (n *needing) lines(all []wanted, stanza []v1alpha1.ModelFile, room string) error {
	w := tabwriter.NewWriter(n.log, 0, 0, 2, ' ', 0)

	for _, one := range all {
		state := "needed"

		switch {
		case one.lacking():
			state = "missing"
		case one.There != nil:
			state = "there"
		}

		bytes := "?"
		if one.Size > 0 {
			bytes = size(one.Size)
		}

		fmt.Fprintf(w, "%s\t%s\t%s\tnode %s\t%s\n", state, one.Path, bytes, strings.Join(one.Nodes, ", "), one.Unclear)
	}

	err := w.Flush()

	if room != "" {
		fmt.Fprintln(n.log, room)
	}

	if len(stanza) == 0 {
		return err
	}

	b, merr := yaml.Marshal(map[string]any{"files": stanza})
	fmt.Fprintf(n.out, "%s", b)

	return errors.Join(err, merr)
}
