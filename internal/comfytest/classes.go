package comfytest

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Types of inputs and outputs, as object_info names them.
const (
	kindImage  = "IMAGE"
	kindInt    = "INT"
	kindFloat  = "FLOAT"
	kindString = "STRING"
	kindModel  = "MODEL"
	kindVideo  = "VIDEO"
	kindList   = "COMBO"
	kindAny    = "*"
)

// A class is a kind of node.
type class struct {
	inputs  []input
	outputs []string
	// output says whether a prompt may end in it.
	output bool
	// check looks at values that no type describes, and names an input and what is
	// wrong with it.
	check func(s *Server, inputs map[string]any) (name, why string)
	run   func(r *run, in values) (made, error)
}

// An input is what a class takes.
type input struct {
	name        string
	kind        string
	optional    bool
	least, most float64
	options     func(s *Server) []string
	about       map[string]any
}

// config is an input's type and what is said about it.
func (in input) config(options []string) []any {
	about := in.about
	if about == nil {
		about = map[string]any{}
	}

	if in.kind == kindList {
		return []any{options, about}
	}

	return []any{in.kind, about}
}

// picture is a batch of images of one size and colour.
type picture struct {
	width, height, count int
	colour               color.RGBA
}

const largest = 16384

func number(name string, least, most float64) input {
	return input{name: name, kind: kindInt, least: least, most: most}
}

func images(name string) input { return input{name: name, kind: kindImage} }

func prefix() input { return input{name: "filename_prefix", kind: kindString} }

func choice(name string, options ...string) input {
	return input{name: name, kind: kindList, options: func(*Server) []string { return options }}
}

// classes are ComfyUI's that need no model, one that does, and three of our own.
var classes = map[string]class{
	"EmptyImage": {
		inputs:  []input{number("width", 1, largest), number("height", 1, largest), number("batch_size", 1, 4096), number("color", 0, 0xffffff)},
		outputs: []string{kindImage}, run: emptyImage,
	},
	"ImageScale": {
		inputs: []input{
			images("image"), choice("upscale_method", "nearest-exact", "bilinear", "area", "bicubic", "lanczos"),
			number("width", 0, largest), number("height", 0, largest), choice("crop", "disabled", "center"),
		},
		outputs: []string{kindImage}, run: scale,
	},
	"ImageInvert": {inputs: []input{images("image")}, outputs: []string{kindImage}, run: invert},
	"LoadImage": {
		inputs:  []input{{name: "image", kind: kindAny}},
		outputs: []string{kindImage, "MASK"}, check: imageThere, run: loadImage,
	},
	"CheckpointLoaderSimple": {
		inputs: []input{{name: "ckpt_name", kind: kindList, about: map[string]any{"tooltip": "The name of the checkpoint (model) to load."}, options: func(s *Server) []string {
			return s.models("checkpoints")
		}}},
		outputs: []string{kindModel, "CLIP", "VAE"}, run: func(*run, values) (made, error) { return made{values: []any{"model", "clip", "vae"}}, nil },
	},
	"PrimitiveString": {
		inputs: []input{{name: "value", kind: kindString}}, outputs: []string{kindString},
		run: func(_ *run, in values) (made, error) { return made{values: []any{in.text("value")}}, nil },
	},
	"PrimitiveInt": {
		inputs: []input{{name: "value", kind: kindInt, least: -math.MaxInt64}}, outputs: []string{kindInt},
		run: func(_ *run, in values) (made, error) { return made{values: []any{in["value"]}}, nil },
	},
	"PreviewAny": {
		inputs: []input{{name: "source", kind: kindAny}}, outputs: []string{kindString}, output: true,
		run: func(_ *run, in values) (made, error) {
			return made{values: []any{fmt.Sprint(in["source"])}, shown: map[string]any{"text": []string{fmt.Sprint(in["source"])}}}, nil
		},
	},
	"SaveImage":    {inputs: []input{images("images"), prefix()}, output: true, run: saveImage},
	"PreviewImage": {inputs: []input{images("images")}, output: true, run: previewImage},
	"SaveAnimatedWEBP": {
		inputs: []input{
			images("images"), prefix(),
			{name: "fps", kind: kindFloat, least: 0.01, most: 1000},
			{name: "lossless", kind: "BOOLEAN"},
			number("quality", 0, 100), choice("method", "default", "fastest", "slowest"),
		},
		output: true, run: saveWEBP,
	},
	"CreateVideo": {
		inputs:  []input{images("images"), {name: "fps", kind: kindFloat, least: 1, most: 120}},
		outputs: []string{kindVideo}, run: func(_ *run, in values) (made, error) { return made{values: []any{in["images"]}}, nil },
	},
	"SaveVideo": {
		inputs: []input{{name: "video", kind: kindVideo}, prefix(), choice("format", "auto", "mp4"), choice("codec", "auto", "h264")},
		output: true, run: saveVideo,
	},
	"SlowTick": {
		inputs:  []input{images("image"), number("steps", 1, 10000), {name: "delay", kind: kindFloat, most: 3600, optional: true}},
		outputs: []string{kindImage}, run: slowTick,
	},
	"Boom": {
		inputs:  []input{images("image"), number("steps", 1, 10000), {name: "delay", kind: kindFloat, most: 3600, optional: true}},
		outputs: []string{kindImage}, run: func(*run, values) (made, error) { return made{}, failure{"ValueError", "boom\n"} },
	},
	// What comes after it does not run: an error is told, and the prompt succeeds.
	"Blocker": {
		inputs: []input{images("image")}, outputs: []string{kindImage},
		run: func(*run, values) (made, error) { return made{values: []any{blocked{"Blocked by Blocker"}}}, nil },
	},
}

// modelFolders are the folders of models that every ComfyUI has.
func modelFolders() []string {
	return []string{
		"audio_encoders", "checkpoints", "clip_vision", "configs", "controlnet", "diffusers", "diffusion_models", "embeddings", "gligen",
		"hypernetworks", "latent_upscale_models", "loras", "model_patches", "photomaker", "style_models", "text_encoders", "upscale_models", "vae", "vae_approx",
	}
}

// models are a folder's files that ComfyUI takes for models: by their extension,
// as soon as they are there, complete or not.
func (s *Server) models(folder string) []string {
	taken := []string{".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"}
	root := filepath.Join(s.options.Directory, "models", folder)
	out := []string{}

	// What cannot be read is not there.
	_ = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error { //nolint:gosec // The folder is one of a list.
		if err == nil && !d.IsDir() && slices.Contains(taken, strings.ToLower(filepath.Ext(path))) {
			if rel, err := filepath.Rel(root, path); err == nil {
				out = append(out, rel)
			}
		}

		return nil
	})

	return out
}
