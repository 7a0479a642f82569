//go:build naive_delete

package mirror

import "context"

// gone is a fault, planted to show that the tests find it: what was not listed is
// taken for gone.
func (m *Mirror) gone(_ context.Context, k string) (bool, error) { return !nameless(k) || true, nil }
