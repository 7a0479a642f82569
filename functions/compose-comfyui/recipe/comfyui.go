package recipe

import (
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"
)

// comfyUI is the manifest of a ComfyUI image.
type comfyUI struct {
	ComfyUI     comfyUIRelease `json:"comfyui"`
	CustomNodes []customNode   `json:"customNodes"`
}

type comfyUIRelease struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
}

type customNode struct {
	Git     string `json:"git,omitempty"`
	Commit  string `json:"commit,omitempty"`
	ID      string `json:"id,omitempty"`
	Version string `json:"version,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
}

// ComfyUI is the recipe of a ComfyUI image. Custom nodes stay in the claim's
// order: it is the order in which they are installed.
func ComfyUI(i v1alpha1.Image) string {
	m := comfyUI{
		ComfyUI:     comfyUIRelease{Version: i.ComfyUI.Version, Commit: i.ComfyUI.Commit},
		CustomNodes: []customNode{},
	}

	for _, n := range i.CustomNodes {
		m.CustomNodes = append(m.CustomNodes, customNode{Git: n.Git, Commit: n.Commit, ID: n.ID, Version: n.Version, SHA256: n.SHA256})
	}

	return text("comfyui", m, map[string]string{
		"requirements.txt": lines(slices.Sorted(slices.Values(i.PipPackages))),
	})
}

func lines(all []string) string {
	if len(all) == 0 {
		return ""
	}

	return strings.Join(all, "\n") + "\n"
}
