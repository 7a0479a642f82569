package history_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"pgregory.net/rapid"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/faults"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

func key(rt *rapid.T) string { return rapid.SampledFrom(keys).Draw(rt, "key") }

func size(rt *rapid.T) int64 {
	return rapid.SampledFrom([]int64{store.MinSeeded, 1000, 1000, 4096, 100_000, 300_000}).Draw(rt, "size")
}

// version stores content in one of the ways in which objects come to be.
func (m *machine) version(rt *rapid.T, key string, size int64) {
	c := m.w.Fresh(size)

	switch rapid.IntRange(0, 3).Draw(rt, "way") {
	case 0:
		m.w.Store.Put(bucket, key, c)
	case 1:
		m.w.Store.PutLarge(bucket, key, c, 128<<10)
	case 2:
		// Where the parts end is the uploader's choice.
		first, second := rapid.Int64Range(1, size).Draw(rt, "first part"), int64(0)
		if first < size {
			second = rapid.Int64Range(0, size-first-1).Draw(rt, "second part")
		}

		sizes := slices.DeleteFunc([]int64{first, second, size - first - second}, func(n int64) bool { return n == 0 })
		algorithm := rapid.SampledFrom([]types.ChecksumAlgorithm{types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmSha256}).Draw(rt, "algorithm")

		if _, err := m.w.Store.PutParts(bucket, key, c, algorithm, sizes...); err != nil {
			rt.Fatal(err)
		}
	default:
		m.w.Store.PutUnchecked(bucket, key, c)
	}
}

func (m *machine) put(rt *rapid.T) { m.version(rt, key(rt), size(rt)) }

// putTwice replaces with the same size in the same second, with or without time
// for a pass in between.
func (m *machine) putTwice(rt *rapid.T) {
	k, s := key(rt), size(rt)
	m.version(rt, k, s)

	if rapid.Bool().Draw(rt, "pause") {
		m.wait(rt)
	}

	m.version(rt, k, s)
}

func (m *machine) putLarge(rt *rapid.T) {
	m.version(rt, rapid.SampledFrom(large).Draw(rt, "key"), rapid.SampledFrom([]int64{1 << 20, 2<<20 + 17, 5 << 20}).Draw(rt, "size"))
}

func (m *machine) putMany(rt *rapid.T) {
	n := rapid.IntRange(1, 60).Draw(rt, "files")
	for i := range n {
		m.w.Store.Put(bucket, fmt.Sprintf("many/%02d/%03d", i%5, i), m.w.Fresh(500))
	}
}

func (m *machine) remove(rt *rapid.T) { m.w.Store.Delete(bucket, m.present(rt)) }

func (m *machine) expire(rt *rapid.T) { m.w.Store.Expire(bucket, m.present(rt)) }

// present is a key of an object that is there, if there is any.
func (m *machine) present(rt *rapid.T) string {
	objects := m.w.Store.Objects(bucket)
	if len(objects) == 0 {
		return "none"
	}

	return objects[rapid.IntRange(0, len(objects)-1).Draw(rt, "object")].Key
}

func (m *machine) rename(rt *rapid.T) { m.move(m.present(rt), key(rt)) }

func (m *machine) move(from, to string) {
	if from != to && m.w.Store.Copy(bucket, from, to) != nil {
		m.w.Store.Delete(bucket, from)
	}
}

// ambush replaces, deletes or renames an object while it is being copied.
func (m *machine) ambush(rt *rapid.T) {
	k := rapid.SampledFrom(large).Draw(rt, "key")
	m.version(rt, k, 2<<20)

	same, other := m.w.Fresh(2<<20), m.w.Fresh(1000)
	what := rapid.IntRange(0, 3).Draw(rt, "what")
	m.w.Ambush(k, rapid.IntRange(1, 8).Draw(rt, "range"), func() {
		switch what {
		case 0:
			m.w.Store.PutUnchecked(bucket, k, same)
		case 1:
			m.w.Store.Put(bucket, k, other)
		case 2:
			m.w.Store.Delete(bucket, k)
		default:
			m.move(k, "loras/renamed")
		}
	})
}

// turnPage renames an object between two pages of a listing.
func (m *machine) turnPage(rt *rapid.T) {
	from, to := m.present(rt), key(rt)
	m.w.BetweenPages(func() { m.move(from, to) })
}

// declare says which keys come first from now on.
func (m *machine) declare(rt *rapid.T) {
	m.w.Declare(rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, 5, rapid.ID).Draw(rt, "first")...)
}

// comeBack deletes an object and puts another in its place while a node lists the
// bucket: what the listing lacks is there again when it comes.
func (m *machine) comeBack(rt *rapid.T) {
	k, again := m.present(rt), m.w.Fresh(1000)
	m.w.Store.Delete(bucket, k)
	m.w.BetweenPages(func() { m.w.Store.Put(bucket, k, again) })
}

func (m *machine) join(rt *rapid.T) {
	if len(m.w.Nodes()) == 4 {
		m.up(rt)
		return
	}

	if _, err := m.w.Join(); err != nil {
		rt.Fatal(err)
	}
}

func (m *machine) up(rt *rapid.T) {
	nodes := m.w.Nodes()
	if err := nodes[rapid.IntRange(0, len(nodes)-1).Draw(rt, "node")].Up(); err != nil {
		rt.Fatal(err)
	}
}

func (m *machine) leave(rt *rapid.T) {
	nodes := m.w.Nodes()
	if err := nodes[rapid.IntRange(0, len(nodes)-1).Draw(rt, "node")].Down(); err != nil {
		rt.Fatal(err)
	}
}

var kinds = []faults.Kind{faults.Cut, faults.Stall, faults.Internal, faults.SlowDown, faults.Flip, faults.Short, faults.OtherRange, faults.Denied}

func (m *machine) faults(rt *rapid.T) {
	m.w.Faults.Set(faults.Plan{
		Seed: rapid.Uint64().Draw(rt, "seed"), Rate: rapid.SampledFrom([]float64{0.05, 0.2, 0.5, 0.9}).Draw(rt, "rate"),
		Kinds: rapid.SliceOfNDistinct(rapid.SampledFrom(kinds), 1, len(kinds), rapid.ID).Draw(rt, "kinds"), Unchecked: m.w.Unchecked,
	})
}

func (m *machine) failPages(rt *rapid.T) {
	first := rapid.IntRange(1, 5).Draw(rt, "page")
	m.w.Faults.Set(faults.Plan{Pages: []int{first, first + 1, first + 2}})
}

func (m *machine) deny(rt *rapid.T) {
	m.w.Store.Unlist(bucket, rapid.Bool().Draw(rt, "denied"))
}

// forbid takes one object out of reach.
func (m *machine) forbid(rt *rapid.T) { m.w.Store.Forbid(bucket, m.present(rt)) }

func (m *machine) slow(rt *rapid.T) { m.w.Store.SlowDown(rapid.IntRange(1, 20).Draw(rt, "requests")) }

func (m *machine) shrink(rt *rapid.T) {
	for _, n := range m.w.Nodes() {
		n.Disk.Shrink(rapid.Int64Range(0, 4<<20).Draw(rt, "left"))
	}
}

func (m *machine) grow(*rapid.T) {
	for _, n := range m.w.Nodes() {
		n.Disk.Grow()
	}
}

// refuse has Systems Manager refuse commands, or take them again.
func (m *machine) refuse(rt *rapid.T) {
	if m.chain == nil {
		return
	}

	m.chain.Commands.Refuse(rapid.SampledFrom([]string{"", "ThrottlingException", "InternalServerError", "AccessDeniedException"}).Draw(rt, "error"))
}

func (m *machine) tick(rt *rapid.T) {
	m.w.Tick(time.Duration(rapid.IntRange(-3, 5).Draw(rt, "seconds")) * time.Second)
}

// poke tells all nodes to look, as somebody on a node may.
func (m *machine) poke(*rapid.T) {
	for _, n := range m.w.Nodes() {
		_ = n.Poke() // One that is down is not told.
	}
}

// wait lets what is under way go on for a moment.
func (m *machine) wait(rt *rapid.T) {
	time.Sleep(time.Duration(rapid.SampledFrom([]int{0, 2, 10, 40}).Draw(rt, "milliseconds")) * time.Millisecond)
}

func (m *machine) quiet(rt *rapid.T) {
	if wrong := m.w.Settle(); wrong != "" {
		rt.Fatalf("after a quiet period:\n%s", wrong)
	}
}
