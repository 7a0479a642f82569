package need

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/comfy"
)

const (
	checkpoints = "checkpoints"
	diffusion   = "diffusion_models"
	encoders    = "text_encoders"
)

// A Need is a model that a workflow names.
type Need struct {
	Model

	// Nodes are the ids of those that name it.
	Nodes []string `json:"nodes"`
}

// Workflow lists the models that a workflow needs, in the order of their paths: of
// one in the API's form, of a picture, and of one as the page saves it, which may
// say by itself where its models come from.
func Workflow(b []byte) ([]Need, error) {
	g, err := comfy.ParseGraph(b)

	switch {
	case err == nil:
		return ofGraph(g), nil
	case isPage(b):
		return ofPage(b)
	}

	return nil, err
}

// ofGraph finds what inputs name.
func ofGraph(g comfy.Graph) []Need {
	var out needs

	for _, id := range g.IDs() {
		for name, raw := range g[id].Inputs {
			var value string
			if json.Unmarshal(raw, &value) == nil && IsModel(value) {
				out.add(id, Model{Path: Folder(g[id].Class, name) + "/" + strings.ReplaceAll(value, `\`, "/")})
			}
		}
	}

	return out.sorted()
}

// IsModel says whether a file's name is a model's.
func IsModel(name string) bool {
	return slices.Contains([]string{".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl", ".gguf", ".onnx"}, strings.ToLower(path.Ext(name)))
}

// Unknown is the folder of what a node names that is not known here.
const Unknown = "unknown"

// Folder is where ComfyUI looks for what an input names.
func Folder(class, input string) string {
	switch {
	case class == "CLIPVisionLoader":
		return "clip_vision"
	case class == "UpscaleModelLoader":
		return "upscale_models"
	case class == "ModelPatchLoader":
		return "model_patches"
	case class == "LatentUpscaleModelLoader":
		return "latent_upscale_models"
	case class == "AudioEncoderLoader":
		return "audio_encoders"
	case class == "LTXAVTextEncoderLoader" && input == "text_encoder":
		return encoders
	case strings.HasPrefix(input, "clip_name"):
		return encoders
	case strings.HasPrefix(input, "lora_name"):
		return "loras"
	}

	if f, ok := folders[input]; ok {
		return f
	}

	return Unknown
}

// folders are those that an input of a name is looked up in, whatever the node:
// ComfyUI's own nodes keep to it, and most others do.
var folders = map[string]string{ //nolint:gochecknoglobals // A map that Go has no const for.
	"ckpt_name": checkpoints, "unet_name": diffusion, "vae_name": "vae", "control_net_name": "controlnet",
	"style_model_name": "style_models", "gligen_name": "gligen", "hypernetwork_name": "hypernetworks", "photomaker_model_name": "photomaker",
}

// A pageNode is a node as the page saves it. Its properties may name models.
type pageNode struct {
	ID         json.RawMessage `json:"id"`
	Properties struct {
		Models []struct {
			Name      string `json:"name"`
			URL       string `json:"url"`
			Directory string `json:"directory"`
			Hash      string `json:"hash"`
			HashType  string `json:"hash_type"`
		} `json:"models"`
	} `json:"properties"`
}

// page is a workflow as the page saves it, with nodes inside of nodes.
type page struct {
	Nodes       []pageNode `json:"nodes"`
	Definitions struct {
		Subgraphs []page `json:"subgraphs"`
	} `json:"definitions"`
}

func isPage(b []byte) bool {
	p := page{}

	return json.Unmarshal(b, &p) == nil && p.Nodes != nil
}

func ofPage(b []byte) ([]Need, error) {
	p := page{}
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("cannot read the workflow: %w", err)
	}

	var out needs

	p.collect(&out)

	return out.sorted(), nil
}

func (p page) collect(out *needs) {
	for _, n := range p.Nodes {
		for _, m := range n.Properties.Models {
			model := Model{Path: m.Directory + "/" + m.Name, URL: strings.TrimSuffix(m.URL, "?download=true")}
			if strings.EqualFold(m.HashType, "sha256") {
				model.SHA256 = strings.ToLower(m.Hash)
			}

			out.add(strings.Trim(string(n.ID), `"`), model)
		}
	}

	for _, s := range p.Definitions.Subgraphs {
		s.collect(out)
	}
}

type needs []Need

// add puts a model down once, with each node that names it.
func (n *needs) add(node string, m Model) {
	for i := range *n {
		if (*n)[i].Path == m.Path {
			(*n)[i].Nodes = append((*n)[i].Nodes, node)
			return
		}
	}

	*n = append(*n, Need{Model: m, Nodes: []string{node}})
}

func (n *needs) sorted() []Need {
	slices.SortFunc(*n, func(a, b Need) int { return strings.Compare(a.Path, b.Path) })

	return *n
}
