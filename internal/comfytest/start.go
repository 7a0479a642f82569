package comfytest

import (
	"net/http/httptest"
	"testing"
)

// Start serves a server until a test ends, and returns its address. The server has a
// directory of the test's where the options name none.
func Start(t testing.TB, o Options) (*Server, string) {
	t.Helper()

	if o.Directory == "" {
		o.Directory = t.TempDir()
	}

	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}

	h := httptest.NewServer(s)

	t.Cleanup(func() {
		s.Close()
		h.Close()
	})

	return s, h.URL
}
