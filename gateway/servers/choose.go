package servers

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/comfyui-studio/comfyui-studio/gateway/prompt"
)

// Least is the server with the least to do of those that take new work. Among
// equals chance decides, or two front doors would choose the same.
func (t *Table) Least(pool string, but ...prompt.Tag) (Server, bool) {
	takes := t.taking(pool, but)
	if len(takes) == 0 {
		return Server{}, false
	}

	//nolint:gosec // Nobody gains from guessing it.
	rand.Shuffle(len(takes), func(i, j int) { takes[i], takes[j] = takes[j], takes[i] })

	return slices.MinFunc(takes, func(a, b Server) int { return cmp.Compare(a.Queue, b.Queue) }), true
}

// For is the server of those that take new work which a name leads to, at every
// front door the same.
func (t *Table) For(pool, name string, but ...prompt.Tag) (Server, bool) {
	takes := t.taking(pool, but)
	if len(takes) == 0 {
		return Server{}, false
	}

	return slices.MaxFunc(takes, func(a, b Server) int { return cmp.Compare(weight(a.Tag, name), weight(b.Tag, name)) }), true
}

// weight is that of rendezvous hashing.
func weight(tag prompt.Tag, name string) uint64 {
	h := fnv.New128a()
	_, _ = h.Write(tag[:])
	_, _ = h.Write([]byte(name))

	return binary.BigEndian.Uint64(h.Sum(nil)[8:])
}

func (t *Table) taking(pool string, but []prompt.Tag) []Server {
	return slices.DeleteFunc(t.All(pool), func(s Server) bool { return !s.Takes() || slices.Contains(but, s.Tag) })
}
