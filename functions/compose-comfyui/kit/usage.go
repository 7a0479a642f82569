package kit

import (
	"slices"
	"strings"

	protection "github.com/crossplane/crossplane/apis/v2/protection/v1beta1"
	"github.com/crossplane/function-sdk-go/resource/composed"
)

// UsagePrefix starts the key of every Usage.
const UsagePrefix = "usage-"

// use is one pair: by uses of.
type use struct{ of, by Key }

func (u use) key() Key { return Key(UsagePrefix + string(u.of) + "-by-" + string(u.by)) }

// addUsages composes one Usage per pair as soon as both sides exist. A Usage
// leaves with either side: its webhook would refuse the delete of the one, and
// a refused delete stops every later run of a live claim. What leaves keeps its
// Usages while something still uses it, since the claim may be deleted any time.
func (d *Desired) addUsages(leaving map[Key][]Key) {
	for _, u := range d.uses {
		of, by := d.composed[u.of], d.composed[u.by]
		if of == nil || by == nil || onlyByUsages(leaving[u.of]) {
			continue
		}

		k := u.key()

		if !d.inventory.Known(k) {
			d.failf("cannot compose %q: the inventory does not list it", k)
			continue
		}

		if !d.observed.Exists(k) && (!d.observed.Exists(u.of) || !d.observed.Exists(u.by)) {
			continue
		}

		c, err := d.complete(k, usage(of, by))
		if err != nil {
			d.failf("cannot compose %q: %w", k, err)
			continue
		}

		d.composed[k] = c
	}
}

// onlyByUsages says whether nothing but Usages holds what leaves.
func onlyByUsages(users []Key) bool {
	return len(users) > 0 && !slices.ContainsFunc(users, func(k Key) bool { return !strings.HasPrefix(string(k), UsagePrefix) })
}

func usage(of, by *composed.Unstructured) *protection.Usage {
	replay := true

	return &protection.Usage{Spec: protection.UsageSpec{
		Of: protection.NamespacedResource{
			APIVersion:  of.GetAPIVersion(),
			Kind:        of.GetKind(),
			ResourceRef: &protection.NamespacedResourceRef{Name: of.GetName()},
		},
		By: &protection.Resource{
			APIVersion:  by.GetAPIVersion(),
			Kind:        by.GetKind(),
			ResourceRef: &protection.ResourceRef{Name: by.GetName()},
		},
		// Without it a refused delete waits for the garbage collector's back-off.
		ReplayDeletion: &replay,
	}}
}
