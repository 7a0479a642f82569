package comfytest

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
)

func (*Server) features() map[string]any {
	return map[string]any{"supports_preview_metadata": true, "max_upload_size": maxUpload}
}

func (s *Server) getFeatures(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.features())
}

// getSystemStats says nothing that tells one server from another.
func (s *Server) getSystemStats(w http.ResponseWriter, _ *http.Request) {
	const memory, free = 25276502016, 23072555008

	argv := append([]string{"main.py"}, s.options.Arguments...)
	answer(w, http.StatusOK, map[string]any{
		"system": map[string]any{
			"os": "posix", "ram_total": memory, "ram_free": free, "comfyui_version": string(s.options.Release),
			"required_frontend_version": "1.27.10", "installed_templates_version": nil, "required_templates_version": "0.1.95",
			"python_version": "3.11.2 (main, Apr 28 2025, 14:11:48) [GCC 12.2.0]", "pytorch_version": "1.13.0a0", "embedded_python": false, "argv": argv,
		},
		"devices": []any{map[string]any{
			"name": "cpu", "type": "cpu", "index": nil, "vram_total": memory, "vram_free": free, "torch_vram_total": memory, "torch_vram_free": free,
		}},
	})
}

func (s *Server) getObjectInfo(w http.ResponseWriter, _ *http.Request) {
	out := map[string]any{}
	for name := range classes {
		out[name] = s.describe(name)
	}

	answer(w, http.StatusOK, out)
}

// getObjectInfoOf has no error for a class that there is not.
func (s *Server) getObjectInfoOf(w http.ResponseWriter, r *http.Request) {
	out := map[string]any{}
	if name := r.PathValue("class"); classes[name].run != nil {
		out[name] = s.describe(name)
	}

	answer(w, http.StatusOK, out)
}

func (s *Server) describe(name string) map[string]any {
	c := classes[name]
	required, optional := map[string]any{}, map[string]any{}
	order := map[string][]string{"required": {}}

	for _, in := range c.inputs {
		config := in.config(nil)
		if in.options != nil {
			config = in.config(in.options(s))
		}

		if in.optional {
			optional[in.name] = config
			order["optional"] = append(order["optional"], in.name)
		} else {
			required[in.name] = config
			order["required"] = append(order["required"], in.name)
		}
	}

	inputs := map[string]any{"required": required}
	if len(optional) > 0 {
		inputs["optional"] = optional
	}

	outputs := slices.Clone(c.outputs)
	if outputs == nil {
		outputs = []string{}
	}

	return map[string]any{
		"input": inputs, "input_order": order, "output": outputs, "output_is_list": make([]bool, len(outputs)), "output_name": outputs,
		"name": name, "display_name": name, "description": "", "python_module": "nodes", "category": "image", "output_node": c.output,
	}
}

func (*Server) getModelFolders(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, modelFolders())
}

// getModels lists a folder. One that is taken away breaks every question for it.
func (s *Server) getModels(w http.ResponseWriter, r *http.Request) {
	folder := r.PathValue("folder")
	if !slices.Contains(modelFolders(), folder) {
		w.WriteHeader(http.StatusNotFound)
		return
	}

	if _, err := os.Stat(filepath.Join(s.options.Directory, "models", folder)); err != nil { //nolint:gosec // One of a list.
		http.Error(w, "500 Internal Server Error\n\nServer got itself in trouble", http.StatusInternalServerError)
		return
	}

	answer(w, http.StatusOK, s.models(folder))
}

func (s *Server) getEmbeddings(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.models("embeddings"))
}
