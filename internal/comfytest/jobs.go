package comfytest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// jobs are all prompts in the form of newer releases.
func (s *Server) jobs() []map[string]any {
	var out []map[string]any
	if s.running != nil {
		out = append(out, queued(s.running, "in_progress"))
	}

	for _, p := range s.pending {
		out = append(out, queued(p, "pending"))
	}

	for _, id := range s.finished {
		out = append(out, ended(id, s.history[id]))
	}

	return out
}

func queued(p *prompt, status string) map[string]any {
	return pruned(map[string]any{
		"id": p.id, "status": status, "priority": p.written, "create_time": p.extra["create_time"], "outputs_count": 0, "workflow_id": workflowID(p.extra),
	})
}

func ended(id string, e entry) map[string]any {
	extra, _ := e.Prompt[3].(map[string]any)
	job := map[string]any{"id": id, "status": "completed", "priority": e.Prompt[0], "create_time": extra["create_time"], "workflow_id": workflowID(extra)}

	if !e.Status.Completed {
		job["status"] = "failed"
	}

	for _, m := range e.Status.Messages {
		kind, _ := m[0].(string)
		data, _ := m[1].(map[string]any)

		switch kind {
		case "execution_start":
			job["execution_start_time"] = data["timestamp"]
		case "execution_error":
			job["execution_error"], job["execution_end_time"] = data, data["timestamp"]
		case "execution_success":
			job["execution_end_time"] = data["timestamp"]
		case "execution_interrupted":
			job["status"], job["execution_end_time"] = "cancelled", data["timestamp"]
		}
	}

	job["outputs_count"], job["preview_output"] = summary(e.Outputs)

	return pruned(job)
}

// summary counts what nodes made and finds what stands for it: first what is kept.
func summary(outputs map[string]map[string]any) (int, any) {
	count := 0

	var kept, other any

	for _, id := range sortedKeys(outputs) {
		for _, media := range sortedKeys(outputs[id]) {
			texts, _ := outputs[id][media].([]string)
			files, _ := outputs[id][media].([]file)
			count += len(texts) + len(files)

			for _, f := range files {
				shown := map[string]any{"filename": f.Filename, "subfolder": f.Subfolder, "type": f.Type, "nodeId": id, "mediaType": media}
				if f.Type == kindOutput {
					kept = first(kept, shown)
				}

				other = first(other, shown)
			}
		}
	}

	return count, first(kept, other)
}

func first(a, b any) any {
	if a != nil {
		return a
	}

	return b
}

func workflowID(extra map[string]any) any {
	info, _ := extra["extra_pnginfo"].(map[string]any)
	workflow, _ := info["workflow"].(map[string]any)

	return workflow["id"]
}

// pruned leaves out what is null.
func pruned(m map[string]any) map[string]any {
	for k, v := range m {
		if v == nil {
			delete(m, k)
		}
	}

	return m
}

func (s *Server) getJobs(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()

	q := r.URL.Query()
	jobs := slices.DeleteFunc(s.jobs(), func(j map[string]any) bool {
		status, _ := j["status"].(string)
		return (q.Get("status") != "" && !slices.Contains(strings.Split(q.Get("status"), ","), status)) ||
			(q.Get("workflow_id") != "" && j["workflow_id"] != q.Get("workflow_id"))
	})

	slices.SortStableFunc(jobs, func(a, b map[string]any) int {
		x, _ := a["create_time"].(int64)
		y, _ := b["create_time"].(int64)

		if q.Get("sort_order") == "asc" {
			return cmp.Compare(x, y)
		}

		return cmp.Compare(y, x)
	})

	total := len(jobs)
	offset, _ := strconv.Atoi(q.Get("offset"))
	jobs = jobs[min(max(offset, 0), total):]
	page := map[string]any{"offset": offset, "limit": nil, "total": total, "has_more": false}

	if limit, err := strconv.Atoi(q.Get("limit")); err == nil && limit > 0 {
		page["limit"], page["has_more"] = limit, len(jobs) > limit
		jobs = jobs[:min(limit, len(jobs))]
	}

	if jobs == nil {
		jobs = []map[string]any{}
	}

	answer(w, http.StatusOK, map[string]any{"jobs": jobs, "pagination": page})
}

func (s *Server) getJob(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()

	id := r.PathValue("id")
	for _, j := range s.jobs() {
		if j["id"] != id {
			continue
		}

		if e, ok := s.history[id]; ok {
			j["outputs"], j["execution_status"] = e.Outputs, e.Status
			j["workflow"] = map[string]any{"prompt": e.Prompt[2], "extra_data": e.Prompt[3]}
		}

		answer(w, http.StatusOK, j)

		return
	}

	answer(w, http.StatusNotFound, map[string]any{"error": "Job not found"})
}

// cancelJob stops a prompt whatever it does, and no other. What is over stays over.
func (s *Server) cancelJob(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()

	id := r.PathValue("id")
	running := s.running != nil && s.running.id == id

	if running {
		s.interrupt()
	}

	answer(w, http.StatusOK, map[string]any{"cancelled": s.dequeue(id) || running})
}
