package parameter

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
)

// TestParameter asks a double of Systems Manager, which gives a parameter's value
// only to who asks for it decrypted.
func TestParameter(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")

	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Name           string `json:"Name"`
			WithDecryption bool   `json:"WithDecryption"`
		}

		if r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameter" || json.NewDecoder(r.Body).Decode(&in) != nil {
			http.Error(w, "only GetParameter", http.StatusBadRequest)
			return
		}

		w.Header().Set("Content-Type", "application/x-amz-json-1.1")

		switch {
		case in.Name == "/there" && in.WithDecryption:
			_, _ = w.Write([]byte(`{"Parameter":{"Name":"/there","Type":"SecureString","Value":"value"}}`))
		case in.Name == "/there":
			_, _ = w.Write([]byte(`{"Parameter":{"Name":"/there","Type":"SecureString","Value":"AQICAHh"}}`))
		case in.Name == "/denied":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"__type":"AccessDeniedException","Message":"no"}`))
		default:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"__type":"ParameterNotFound"}`))
		}
	}))
	t.Cleanup(front.Close)

	s, err := New(t.Context(), "eu-west-3", front.URL)
	if err != nil {
		t.Fatal(err)
	}

	got, err := s.Parameter(t.Context(), "/there")
	if diff := cmp.Diff("value", got); diff != "" || err != nil {
		t.Errorf("Parameter(/there): %v, -want, +got:\n%s", err, diff)
	}

	if _, err := s.Parameter(t.Context(), "/gone"); !errors.Is(err, secret.ErrMissing) {
		t.Errorf("Parameter(/gone): want ErrMissing, got %v", err)
	}

	if _, err := s.Parameter(t.Context(), "/denied"); err == nil || errors.Is(err, secret.ErrMissing) {
		t.Errorf("Parameter(/denied): want another error, got %v", err)
	}
}
