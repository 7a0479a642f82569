package plan

import "github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"

// A Model is a file that the studio fetches into the models bucket.
type Model struct {
	Path, URL, SHA256 string
	// Size in bytes.
	Size int64
	// TokenSecret names the Secret and key of a bearer token, or is nil.
	TokenSecret *v1alpha1.SecretKeyRef
}

func newModels(files []v1alpha1.ModelFile) []Model {
	out := make([]Model, 0, len(files))
	for _, f := range files {
		out = append(out, Model{Path: f.Path, URL: f.URL, SHA256: f.SHA256, Size: f.Size, TokenSecret: f.TokenSecretRef})
	}

	return out
}
