package plan

import (
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/recipe"
)

// A Model is a file that the studio fetches into the models bucket.
type Model struct {
	Path, URL, SHA256 string
	// Size in bytes.
	Size int64
	// TokenSecret names the Secret and key of a bearer token, or is nil.
	TokenSecret *v1alpha1.SecretKeyRef
}

// newModels lists them by path: another order in the claim must not fetch anything
// again.
func newModels(files []v1alpha1.ModelFile) []Model {
	out := make([]Model, 0, len(files))
	for _, f := range files {
		out = append(out, Model{Path: f.Path, URL: f.URL, SHA256: f.SHA256, Size: f.Size, TokenSecret: f.TokenSecretRef})
	}

	slices.SortFunc(out, func(a, b Model) int { return strings.Compare(a.Path, b.Path) })

	return out
}

// newModelOrder are their paths in the order in which people write them down: where
// a node has not room for the whole bucket, they say so what it shall have.
func newModelOrder(files []v1alpha1.ModelFile) []string {
	out := make([]string, 0, len(files))
	for _, f := range files {
		out = append(out, f.Path)
	}

	return out
}

// A ModelToken is a bearer token that a gated source asks for. The function never
// reads it: the provider carries it from the claim's Secret to one in AWS.
type ModelToken struct {
	// Hash tells tokens apart.
	Hash string
	// Name is that of the secret in AWS.
	Name string
	// From is where it comes from.
	From v1alpha1.SecretKeyRef
}

// ModelTokens are the tokens that declared models ask for, each once.
func (p Plan) ModelTokens() []ModelToken {
	var out []ModelToken

	for _, m := range p.Models {
		if m.TokenSecret == nil {
			continue
		}

		t := p.modelToken(*m.TokenSecret)
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}

	slices.SortFunc(out, func(a, b ModelToken) int { return strings.Compare(a.Hash, b.Hash) })

	return out
}

// SourceBuckets are the buckets that declared models come from.
func (p Plan) SourceBuckets() []string {
	var out []string

	for _, m := range p.Models {
		if rest, ok := strings.CutPrefix(m.URL, "s3://"); ok {
			bucket, _, _ := strings.Cut(rest, "/")
			out = append(out, bucket)
		}
	}

	slices.Sort(out)

	return slices.Compact(out)
}

func (p Plan) modelToken(from v1alpha1.SecretKeyRef) ModelToken {
	h := hash(from.Name+"/"+from.Key, 8)

	return ModelToken{Hash: h, Name: p.name("model-token-"+h, maxSecret), From: from}
}

func (p Plan) modelSources() []recipe.Model {
	out := make([]recipe.Model, 0, len(p.Models))

	for _, m := range p.Models {
		s := recipe.Model{Path: m.Path, URL: m.URL, SHA256: m.SHA256, Size: m.Size}
		if m.TokenSecret != nil {
			s.TokenSecret = p.modelToken(*m.TokenSecret).Name
		}

		out = append(out, s)
	}

	return out
}
