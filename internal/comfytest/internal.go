package comfytest

import (
	"net/http"
	"os"
	"path/filepath"
)

// logLine is all that the double ever logs.
const logLine = "To see the GUI go to: http://127.0.0.1:8188\n"

func (*Server) getLogs(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, logLine) }

func (*Server) getRawLogs(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"entries": []any{map[string]any{"t": "2026-01-01T00:00:00", "m": logLine}}, "size": map[string]any{"cols": 80, "rows": 24},
	})
}

// subscribeLogs takes a client that wants lines as they come. There come none.
func (*Server) subscribeLogs(w http.ResponseWriter, r *http.Request) {
	if _, ok := object(w, r); ok {
		w.WriteHeader(http.StatusOK)
	}
}

func (s *Server) getFolderPaths(w http.ResponseWriter, _ *http.Request) {
	out := map[string][]string{}
	for _, folder := range modelFolders() {
		out[folder] = []string{filepath.Join(s.options.Directory, "models", folder)}
	}

	answer(w, http.StatusOK, out)
}

func (s *Server) getFileNames(w http.ResponseWriter, r *http.Request) {
	dir := s.directory(r.PathValue("type"))
	if dir == "" {
		answer(w, http.StatusBadRequest, map[string]any{"error": "Invalid directory type"})
		return
	}

	entries, err := os.ReadDir(dir)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}

	out := []string{}

	for _, e := range entries {
		if !e.IsDir() {
			out = append(out, e.Name())
		}
	}

	answer(w, http.StatusOK, out)
}
