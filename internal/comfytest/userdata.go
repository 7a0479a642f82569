package comfytest

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
)

const settingsFile = "comfy.settings.json"

func (*Server) getUsers(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"storage": "server", "migrated": true})
}

func (s *Server) settings() map[string]any {
	f, err := s.user.Open(settingsFile)
	if err != nil {
		return map[string]any{}
	}
	defer f.Close()

	out, err := decode(f)
	if err != nil {
		return map[string]any{}
	}

	return out
}

func (s *Server) getSettings(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()

	answer(w, http.StatusOK, s.settings())
}

func (s *Server) getSetting(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()

	answer(w, http.StatusOK, s.settings()[r.PathValue("id")])
}

func (s *Server) postSettings(w http.ResponseWriter, r *http.Request) {
	body, ok := object(w, r)
	if !ok {
		return
	}

	s.saveSettings(w, body)
}

func (s *Server) postSetting(w http.ResponseWriter, r *http.Request) {
	d := json.NewDecoder(r.Body)
	d.UseNumber()

	var v any
	if err := d.Decode(&v); err != nil {
		http.Error(w, "500 Internal Server Error\n\nServer got itself in trouble", http.StatusInternalServerError)
		return
	}

	s.saveSettings(w, map[string]any{r.PathValue("id"): v})
}

func (s *Server) saveSettings(w http.ResponseWriter, changed map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()

	all := s.settings()
	maps.Copy(all, changed)

	b, err := json.MarshalIndent(all, "", "    ")
	if err == nil {
		err = s.user.WriteFile(settingsFile, b, 0o644)
	}

	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// listUserData lists a directory of the user's.
func (s *Server) listUserData(w http.ResponseWriter, r *http.Request) {
	dir := r.URL.Query().Get("dir")
	if dir == "" {
		http.Error(w, "Directory not provided", http.StatusBadRequest)
		return
	}

	out := []string{}
	deep := truthy(r.URL.Query().Get("recurse"))

	err := fs.WalkDir(s.user.FS(), dir, func(path string, d fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(path, dir+"/")
		if err == nil && !d.IsDir() && (deep || !strings.Contains(rel, "/")) {
			out = append(out, rel)
		}

		return err
	})
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}

	answer(w, http.StatusOK, out)
}

// getUserData gives a file. A slash in its name comes escaped, and a hop that
// unescapes it asks for a path that there is not.
func (s *Server) getUserData(w http.ResponseWriter, r *http.Request) {
	b, err := s.user.ReadFile(r.PathValue("file"))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}

	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = bytes.NewReader(b).WriteTo(w)
}

func (s *Server) postUserData(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if !filepath.IsLocal(name) {
		w.WriteHeader(http.StatusForbidden)
		return
	}

	if _, err := s.user.Stat(name); err == nil && r.URL.Query().Get("overwrite") == "false" {
		http.Error(w, "File already exists", http.StatusConflict)
		return
	}

	b, err := io.ReadAll(r.Body)
	if err == nil {
		err = s.user.MkdirAll(filepath.Dir(name), 0o755)
	}

	if err == nil {
		err = s.user.WriteFile(name, b, 0o644)
	}

	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}

	answer(w, http.StatusOK, name)
}

func (s *Server) deleteUserData(w http.ResponseWriter, r *http.Request) {
	if err := s.user.Remove(r.PathValue("file")); err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}

	w.WriteHeader(http.StatusNoContent)
}
