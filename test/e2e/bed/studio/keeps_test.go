package studio

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/cloud"
)

// uids are the uids of what the claim has composed, by key.
func (s studio) uids() map[string]types.UID {
	s.t.Helper()
	return s.claim().UIDs()
}

// kept checks that everything that was composed before is there and is the same
// object, that AWS was asked to delete nothing, and that nothing exists twice.
func (s studio) kept(before map[string]types.UID) {
	s.t.Helper()

	s.same(before)

	for _, c := range s.calls() {
		if c.Delete > 0 {
			s.t.Errorf("AWS was asked %d times to delete %s %s", c.Delete, c.Kind, c.Name)
		}
	}

	once(s.t, s.left())
}

// same checks that everything that was composed before is there and is the same
// object.
func (s studio) same(before map[string]types.UID) {
	s.t.Helper()
	s.claim().Same(before)
}

// once checks that no managed resource owns two resources in AWS, and that
// nothing was left behind by one.
func once(t *testing.T, entries []cloud.Entry) {
	t.Helper()

	ids := map[string][]string{}

	for _, e := range entries {
		name := fmt.Sprintf("%s.%s %s/%s", e.Kind, e.Group, e.Namespace, e.Name)
		ids[name] = append(ids[name], e.ID)
	}

	for name, all := range ids {
		if len(all) > 1 {
			slices.Sort(all)
			t.Errorf("%s exists %d times in AWS: %v", name, len(all), all)
		}
	}
}

// inAWS is what a composed resource owns in AWS, or nil.
func (s studio) inAWS(key string) *cloud.Entry {
	s.t.Helper()

	o, ok := s.composed()[key]
	if !ok {
		return nil
	}

	for _, e := range s.left() {
		if e.Name == o.GetName() && e.Kind == o.GetKind() {
			return &e
		}
	}

	return nil
}

// keyOf is the key of the one composed resource that begins so.
func (s studio) keyOf(prefix string) string {
	s.t.Helper()

	for k := range s.composed() {
		if k == prefix || hash.ReplaceAllString(k, "") == prefix {
			return k
		}
	}

	return prefix
}
