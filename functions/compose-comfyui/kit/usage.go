package kit

import (
	"slices"
	"strings"

	protection "github.com/crossplane/crossplane/apis/v2/protection/v1beta1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit/wire"
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

func usage(of, by *structpb.Struct) *protection.Usage {
	ofVersion, ofKind := wire.Kind(of)
	byVersion, byKind := wire.Kind(by)

	return &protection.Usage{Spec: protection.UsageSpec{
		Of: protection.NamespacedResource{
			APIVersion:  ofVersion,
			Kind:        ofKind,
			ResourceRef: &protection.NamespacedResourceRef{Name: wire.String(of, "metadata", "name")},
		},
		By: &protection.Resource{
			APIVersion:  byVersion,
			Kind:        byKind,
			ResourceRef: &protection.ResourceRef{Name: wire.String(by, "metadata", "name")},
		},
		// Without it a refused delete waits for the garbage collector's back-off.
		ReplayDeletion: new(true),
	}}
}
