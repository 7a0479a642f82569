package history_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/faults"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/history"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/programs"
)

// lambda is the path of the real Lambda.
var lambda string

// lasts bounds a long run by time: no history begins after that.
var lasts = flag.Duration("lasts", 0, "how long new histories begin; 0 is no bound")

// TestMain builds the Lambda and chooses a seed, which it prints: with
// -rapid.seed it is chosen by hand.
func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "modelsync-lambda-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)

	if lambda, err = programs.Build(context.Background(), folder, programs.Lambda); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	defaults := map[string]string{"rapid.seed": strconv.FormatInt(time.Now().UnixNano()>>16, 10), "rapid.checks": "100", "rapid.steps": "40", "rapid.shrinktime": "20s"}
	flag.Visit(func(f *flag.Flag) { delete(defaults, f.Name) })

	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		if err := flag.Set(name, defaults[name]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}

	fmt.Printf("seed: -rapid.seed=%s\n", flag.Lookup("rapid.seed").Value)

	return m.Run()
}

// keys are what histories are about: models, keys that are file and folder, our
// own markers, an index, names that a shell or a URL would mind, and keys that
// cannot be files.
var keys = []string{
	"checkpoints/flux.safetensors", "checkpoints/sdxl.safetensors", "loras/a", "loras/a/deep", "loras/a/deep/er", "loras/b", "top", "unet/model_index.json", "unet/part-1", "unet/part-2",
	".ready", ".staging/x", ".status.json", "vae/ünï cödé+%41'\"$(touch x)*", "-rf", "controlnet/" + strings.Repeat("n", 255),
	"a/../b", "x//y", "bell\a", "dots/./x", "controlnet/" + strings.Repeat("n", 256),
}

// large are keys of files that come in many ranges.
var large = []string{"checkpoints/flux.safetensors", "unet/part-1", "top"}

// machine draws one history.
type machine struct {
	w     *history.World
	chain *history.Chain
	steps int
}

func TestHistory(t *testing.T) {
	histories, steps, reads, spoilt := 0, 0, 0, map[faults.Kind]int{}
	began := time.Now()

	rapid.Check(t, func(rt *rapid.T) {
		if *lasts > 0 && time.Since(began) > *lasts {
			return
		}

		m := newMachine(rt)
		defer m.close()

		rt.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"put":      m.put,
			"putTwice": m.putTwice,
			"putLarge": m.putLarge,
			"putMany":  m.putMany,
			"delete":   m.remove,
			"expire":   m.expire,
			"rename":   m.rename,
			"ambush":   m.ambush,
			"turn":     m.turnPage,
			"back":     m.comeBack,
			"join":     m.join,
			"leave":    m.leave,
			"faults":   m.faults,
			"pages":    m.failPages,
			"deny":     m.deny,
			"forbid":   m.forbid,
			"slow":     m.slow,
			"shrink":   m.shrink,
			"grow":     m.grow,
			"refuse":   m.refuse,
			"tick":     m.tick,
			"wait":     m.wait,
			"poke":     m.poke,
			"declare":  m.declare,
			"quiet":    m.quiet,
			// Twice, so that something fails most of the time.
			"faultsAgain": m.faults,
		})
		m.quiet(rt)

		histories++
		steps += m.steps
		reads += m.w.Reads()

		for k, n := range m.w.Faults.Counts() {
			spoilt[k] += n
		}
	})

	t.Logf("%d histories, %d steps, %d reads, spoilt answers: %v", histories, steps, reads, spoilt)
}

func newMachine(rt *rapid.T) *machine {
	// Nodes either look by themselves all the time, or only when they are told.
	interval := rapid.SampledFrom([]time.Duration{10 * time.Millisecond, time.Hour}).Draw(rt, "interval")

	w, err := history.NewWorld(interval, rapid.SampledFrom([]int{0, 3, 7}).Draw(rt, "page size"))
	if err != nil {
		rt.Fatal(err)
	}

	m := &machine{w: w}

	if rapid.Bool().Draw(rt, "connected") {
		share := rapid.SampledFrom([]float64{0, 0.1, 0.3, 1})

		m.chain, err = history.NewChain(lambda, 5*time.Millisecond, history.Loss{
			Seed: rapid.Uint64().Draw(rt, "events"), Drop: share.Draw(rt, "drop"), Repeat: share.Draw(rt, "repeat"), Hold: share.Draw(rt, "hold"), Junk: share.Draw(rt, "junk"),
		})
		if err != nil {
			rt.Fatal(err)
		}

		w.Connect(m.chain)
	}

	m.join(rt)

	return m
}

func (m *machine) close() {
	if m.chain != nil {
		m.chain.Close()
	}

	m.w.Close()
}

// check follows each step.
func (m *machine) check(rt *rapid.T) {
	m.steps++

	if rapid.Bool().Draw(rt, "pause") {
		m.wait(rt)
	}

	if v := m.w.Violations(); v != "" {
		rt.Fatalf("what must never be:\n%s", v)
	}
}
