package cloud

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Handler serves the ledger, the calls and the faults:
//
//	GET    /ledger  what exists in AWS (Ledger)
//	GET    /calls   what each managed resource cost (list of CallCount)
//	DELETE /calls   counts anew
//	GET    /faults  the faults in force (list of Fault)
//	POST   /faults  adds a Fault, a list of them, or {"preset": "…"} as
//	                ParseFault reads it
//	DELETE /faults  ends all faults
func (a *AWS) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, _ *http.Request) { answer(w, a.Ledger()) })
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, _ *http.Request) { answer(w, a.Calls()) })
	mux.HandleFunc("DELETE /calls", func(http.ResponseWriter, *http.Request) { a.ResetCalls() })
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { answer(w, a.Faults()) })
	mux.HandleFunc("DELETE /faults", func(http.ResponseWriter, *http.Request) { a.ClearFaults() })
	mux.HandleFunc("POST /faults", func(w http.ResponseWriter, r *http.Request) {
		if err := a.postFaults(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	return mux
}

func (a *AWS) postFaults(r *http.Request) error {
	raw := json.RawMessage{}
	if err := json.NewDecoder(r.Body).Decode(&raw); err != nil {
		return fmt.Errorf("cannot decode faults: %w", err)
	}
	many := []json.RawMessage{}
	if json.Unmarshal(raw, &many) != nil {
		many = []json.RawMessage{raw}
	}
	faults := make([]Fault, 0, len(many))
	for _, m := range many {
		f := struct {
			Fault

			Preset string `json:"preset"`
		}{}
		if err := json.Unmarshal(m, &f); err != nil {
			return fmt.Errorf("cannot decode fault: %w", err)
		}
		if f.Preset != "" {
			parsed, err := ParseFault(f.Preset)
			if err != nil {
				return err
			}
			f.Fault = parsed
		}
		faults = append(faults, f.Fault)
	}
	return a.SetFaults(faults...)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
