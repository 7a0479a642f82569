package mirror

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/key"
)

// Terms are what a plan keeps to beside the listing and the files.
type terms struct {
	// room is how many bytes may be added.
	room int64
	// linkFrom is the size from which on it is worth a request to find out whether
	// an object's bytes are there under another name.
	linkFrom int64
	// unreadable are not copied. What is there of them stays.
	unreadable []key.Refusal
	// first are keys that come before others, in this order.
	first []string
}

// A plan is what has to be done so that the directory equals the listing.
type plan struct {
	// current are those that need nothing.
	current []bucket.Object
	// links are objects whose bytes may be there under other names.
	links []link
	// copies are by priority. What they name comes before an index all the same.
	copies []bucket.Object
	// deletes are keys that the listing lacks, and that are to be proven gone.
	deletes []string
	refused []key.Refusal
	// skipped do not fit.
	skipped []bucket.Object
}

// A link is an object, and files of its size.
type link struct {
	object bucket.Object
	from   []string
}

// newPlan is pure: the same listing, files and terms give the same plan.
func newPlan(listing []bucket.Object, here local, t terms) plan {
	var p plan

	objects, refused := accept(listing)
	p.refused = refused

	lost := map[string]string{}
	for _, r := range t.unreadable {
		lost[r.Key] = r.Reason
	}

	bySize := map[int64][]string{}

	for k, f := range here.files {
		if _, wanted := objects[k]; !wanted {
			p.deletes = append(p.deletes, k)
		}

		if f.known && f.Size >= t.linkFrom {
			bySize[f.Size] = append(bySize[f.Size], k)
		}
	}

	slices.SortFunc(p.deletes, func(a, b string) int {
		// An index goes first: what it names must not be looked for in vain.
		return cmp.Or(-compareBool(isIndex(a), isIndex(b)), strings.Compare(a, b))
	})

	for _, o := range objects {
		switch f, there := here.files[o.Key]; {
		case there && f.holds(o):
			p.current = append(p.current, o)
		case lost[o.Key] != "":
			p.refused = append(p.refused, key.Refusal{Key: o.Key, Reason: lost[o.Key]})
		default:
			p.copies = append(p.copies, o)

			if twins := bySize[o.Size]; len(twins) > 0 {
				p.links = append(p.links, link{object: o, from: slices.Sorted(slices.Values(twins))})
			}
		}
	}

	byKey := func(a, b bucket.Object) int { return strings.Compare(a.Key, b.Key) }
	slices.SortFunc(p.current, byKey)
	slices.SortFunc(p.links, func(a, b link) int { return byKey(a.object, b.object) })
	slices.SortFunc(p.refused, func(a, b key.Refusal) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(p.copies, order(t.first))
	p.fit(t.room)

	return p
}

// accept are the objects that can be files beside one another, by key.
func accept(listing []bucket.Object) (map[string]bucket.Object, []key.Refusal) {
	keys := make([]string, 0, len(listing))
	objects := make(map[string]bucket.Object, len(listing))

	for _, o := range listing {
		if key.IsFolder(o.Key, o.Size) {
			continue
		}

		keys = append(keys, o.Key)
		objects[o.Key] = o
	}

	_, refused := key.Tree(keys)
	for _, r := range refused {
		delete(objects, r.Key)
	}

	return objects, refused
}

// fit takes out what there is no room for. What comes later and is smaller may
// still fit. A file's older version keeps its room until the newer one is there,
// and longer if somebody has it open.
func (p *plan) fit(room int64) {
	fitting := p.copies[:0]

	for _, o := range p.copies {
		if o.Size > room {
			p.skipped = append(p.skipped, o)
			continue
		}

		room -= o.Size

		fitting = append(fitting, o)
	}

	p.copies = fitting
}

// order is that of copies: what comes first has the room. An index is small, and of
// no use without what it names.
func order(first []string) func(a, b bucket.Object) int {
	ranks := make(map[string]int, len(first))
	for i, k := range first {
		ranks[k] = i - len(first) // Below 0, which is that of all others.
	}

	return func(a, b bucket.Object) int {
		return cmp.Or(cmp.Compare(ranks[a.Key], ranks[b.Key]), compareBool(isIndex(a.Key), isIndex(b.Key)), strings.Compare(a.Key, b.Key))
	}
}

// isIndex says whether a file names others in its folder that must be there when it
// is: the index of a model in several files, and that of a pipeline.
func isIndex(k string) bool {
	name := path.Base(k)

	return strings.HasSuffix(name, ".index.json") || name == "model_index.json"
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}

	return 1
}
