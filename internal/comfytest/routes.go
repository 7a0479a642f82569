package comfytest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxUpload is ComfyUI's default for the size of a request.
const maxUpload = 100 << 20

// routes are all bare and under /api but for a few, which aiohttp's table has
// once only.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	both := func(pattern string, h http.HandlerFunc) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(pattern, h)
		mux.HandleFunc(method+" /api"+path, h)
	}

	both("GET /ws", s.serveSocket)
	both("GET /prompt", s.getPrompt)
	both("POST /prompt", s.postPrompt)
	both("GET /queue", s.getQueue)
	both("POST /queue", s.postQueue)
	both("POST /interrupt", s.postInterrupt)
	both("POST /free", s.postFree)
	both("GET /history", s.getHistory)
	both("GET /history/{id}", s.getHistoryOf)
	both("POST /history", s.postHistory)
	both("GET /view", s.getView)
	both("POST /upload/image", s.postUpload)
	both("POST /upload/mask", s.postUpload)
	both("GET /object_info", s.getObjectInfo)
	both("GET /object_info/{class}", s.getObjectInfoOf)
	both("GET /models", s.getModelFolders)
	both("GET /models/{folder}", s.getModels)
	both("GET /embeddings", s.getEmbeddings)
	both("GET /system_stats", s.getSystemStats)
	both("GET /features", s.getFeatures)
	both("GET /users", s.getUsers)
	both("GET /settings", s.getSettings)
	both("GET /settings/{id}", s.getSetting)
	both("POST /settings", s.postSettings)
	both("POST /settings/{id}", s.postSetting)
	both("GET /userdata", s.listUserData)
	both("GET /userdata/{file}", s.getUserData)
	both("POST /userdata/{file}", s.postUserData)
	both("DELETE /userdata/{file}", s.deleteUserData)
	mux.HandleFunc("GET /{$}", s.getPage)
	// What the page alone needs shows anybody the log and where things are.
	mux.HandleFunc("GET /internal/logs", s.getLogs)
	mux.HandleFunc("GET /internal/logs/raw", s.getRawLogs)
	mux.HandleFunc("PATCH /internal/logs/subscribe", s.subscribeLogs)
	mux.HandleFunc("GET /internal/folder_paths", s.getFolderPaths)
	mux.HandleFunc("GET /internal/files/{type}", s.getFileNames)

	if s.current() {
		mux.HandleFunc("GET /api/jobs", s.getJobs)
		mux.HandleFunc("GET /api/jobs/{id}", s.getJob)
		mux.HandleFunc("POST /api/jobs/{id}/cancel", s.cancelJob)
	}

	return s.guarded(mux)
}

// guarded refuses what a page of another site sends, as releases since 2026 do:
// every path and method, the page itself after a login elsewhere too.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.current() && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			w.WriteHeader(http.StatusForbidden)
			return
		}

		if r.ContentLength > maxUpload {
			http.Error(w, "Maximum request body size 104857600 exceeded", http.StatusRequestEntityTooLarge)
			return
		}

		r.Body = http.MaxBytesReader(w, r.Body, maxUpload)

		next.ServeHTTP(w, r)
	})
}

func (*Server) getPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "<!DOCTYPE html><title>ComfyUI</title>")
}

// object reads a request's body. Its content type is not looked at. What is no
// JSON is aiohttp's bare 500.
func object(w http.ResponseWriter, r *http.Request) (map[string]any, bool) {
	out, err := decode(r.Body)
	if err == nil {
		return out, true
	}

	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		http.Error(w, "Maximum request body size 104857600 exceeded", http.StatusRequestEntityTooLarge)
		return nil, false
	}

	http.Error(w, "500 Internal Server Error\n\nServer got itself in trouble", http.StatusInternalServerError)

	return nil, false
}

// decode keeps numbers as they are written: a seed has up to twenty digits, and a
// float has not.
func decode(r io.Reader) (map[string]any, error) {
	d := json.NewDecoder(r)
	d.UseNumber()

	out := map[string]any{}

	return out, d.Decode(&out)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)

	if err := json.NewEncoder(w).Encode(v); err != nil {
		// Who asked has gone.
		return
	}
}
