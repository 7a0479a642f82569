package provider

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/cache"
)

// TestDeleted: what an informer tells late was deleted as much as what it saw go.
func TestDeleted(t *testing.T) {
	u := &unstructured.Unstructured{}

	cases := map[string]struct {
		reason string
		o      any
		want   bool
	}{
		"Seen":    {"An object that was seen to go.", u, true},
		"Missed":  {"One that was gone when the informer came back.", cache.DeletedFinalStateUnknown{Key: "art/role", Obj: u}, true},
		"Another": {"What is no object is none.", cache.DeletedFinalStateUnknown{Key: "art/role"}, false},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got, ok := deleted(tc.o); ok != tc.want || ok && got != u {
				t.Errorf("%s\ndeleted(...): want %t, got %v, %t", tc.reason, tc.want, got, ok)
			}
		})
	}
}
