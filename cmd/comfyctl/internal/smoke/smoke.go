// Package smoke runs a studio from end to end and takes the time of each stage: a
// workflow that needs no model, and Stable Diffusion XL with its refiner where its
// models are.
package smoke

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/png" // What servers write.
	"math/big"
	"slices"
	"sync/atomic"
	"time"

	"github.com/comfyui-studio/comfyui-studio/comfy"
)

var (
	//go:embed weight-free.json
	weightFree []byte
	//go:embed sdxl-base-refiner.json
	sdxl []byte
)

// A Stage is a part of a run, and how long it took.
type Stage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// A Run is what became of a workflow.
type Run struct {
	Name   string  `json:"name"`
	ID     string  `json:"id,omitempty"`
	Stages []Stage `json:"stages"`
	// Skipped is why it did not run, Error why it failed.
	Skipped string `json:"skipped,omitempty"`
	Error   string `json:"error,omitempty"`
}

// A Test is a smoke test of a studio.
type Test struct {
	Client *comfy.Client
	// Models says that it fails where Stable Diffusion XL cannot run.
	Models bool
	// Say hears what goes on.
	Say func(text string)
}

// Run runs all there is to run.
func (t *Test) Run(ctx context.Context) ([]Run, error) {
	// A prompt wakes a studio that sleeps, so it comes first.
	free, err := t.weightFree(ctx)
	all := []Run{free}

	if err != nil {
		return all, err
	}

	drawn, err := t.sdxl(ctx)

	return append(all, drawn), err
}

// weightFree draws one colour, which is looked for in what comes back.
func (t *Test) weightFree(ctx context.Context) (Run, error) {
	g, err := comfy.ParseGraph(weightFree)
	if err != nil {
		return Run{}, err
	}

	// Another colour in each run: the same graph twice runs nothing.
	n, err := rand.Int(rand.Reader, big.NewInt(1<<24))
	if err != nil {
		return Run{}, fmt.Errorf("cannot choose a colour: %w", err)
	}

	if err := g.Set("1.color", n.Int64()); err != nil {
		return Run{}, err
	}

	want := color.RGBA{R: uint8(n.Int64() >> 16), G: uint8(n.Int64() >> 8), B: uint8(n.Int64()), A: 255} //nolint:gosec // Cut to bytes on purpose.

	return t.one(ctx, "weight-free", g, func(img image.Image) error {
		if got := img.Bounds().Size(); got != image.Pt(128, 96) {
			return fmt.Errorf("the picture is %v, and must be 128 by 96", got)
		}

		if got := color.RGBAModel.Convert(img.At(64, 48)); got != want {
			return fmt.Errorf("the picture is of colour %v, and must be %v", got, want)
		}

		return nil
	})
}

// sdxl draws what the origin of all studios on EKS is tried with.
func (t *Test) sdxl(ctx context.Context) (Run, error) {
	g, err := comfy.ParseGraph(sdxl)
	if err != nil {
		return Run{}, err
	}

	there, err := t.Client.Models(ctx, "checkpoints")
	if err != nil {
		return Run{Name: "sdxl", Error: err.Error()}, err
	}

	for _, name := range []string{"sd_xl_base_1.0.safetensors", "sd_xl_refiner_1.0.safetensors"} {
		if slices.Contains(there, name) {
			continue
		}

		out := Run{Name: "sdxl", Stages: []Stage{}, Skipped: "the studio has no checkpoints/" + name}
		if t.Models {
			return out, errors.New(out.Skipped + ": comfyctl models push sdxl")
		}

		return out, nil
	}

	seed, err := comfy.RandomSeed()
	if err != nil {
		return Run{}, err
	}

	g.Seed(seed)

	return t.one(ctx, "sdxl", g, func(img image.Image) error {
		if got := img.Bounds().Size(); got != image.Pt(1024, 1024) {
			return fmt.Errorf("the picture is %v, and must be 1024 by 1024", got)
		}

		return nil
	})
}

// one runs a graph and looks at its picture.
func (t *Test) one(ctx context.Context, name string, g comfy.Graph, look func(image.Image) error) (Run, error) {
	out := Run{Name: name, ID: comfy.NewID(), Stages: []Stage{}}
	w := watch{at: time.Now(), run: &out}

	var began atomic.Int64

	t.Say(name + " is queued; a studio that sleeps wakes now")

	err := func() error {
		result, err := t.Client.Run(ctx, g, comfy.Run{
			ID: out.ID,
			OnEvent: func(e comfy.Event) {
				if e.Kind == comfy.Started {
					began.CompareAndSwap(0, time.Now().UnixNano())
				}
			},
			OnQueued: func(comfy.Ticket) { w.stage("queue") },
		})
		if err == nil {
			err = result.Err()
		}

		if err != nil {
			return err
		}

		// Where the socket told nothing, all of it is one stage.
		if at := began.Load(); at > w.at.UnixNano() {
			w.until("wait", time.Unix(0, at))
		}

		w.stage("run")

		img, err := t.picture(ctx, result)
		if err != nil {
			return err
		}

		w.stage("download")

		return look(img)
	}()
	if err != nil {
		out.Error = err.Error()
		return out, fmt.Errorf("%s: %w", name, err)
	}

	return out, nil
}

// picture is the one that a prompt made.
func (t *Test) picture(ctx context.Context, r *comfy.Result) (image.Image, error) {
	kept := r.Kept()

	switch {
	case len(kept) != 1:
		return nil, fmt.Errorf("it made %d files, and must make one", len(kept))
	case kept[0].Cached:
		return nil, errors.New("nothing ran: the picture is from an earlier run")
	}

	var b bytes.Buffer
	if _, err := t.Client.Download(ctx, kept[0], &b); err != nil {
		return nil, err
	}

	img, _, err := image.Decode(&b)
	if err != nil {
		return nil, fmt.Errorf("cannot read the picture: %w", err)
	}

	return img, nil
}

// A watch takes times.
type watch struct {
	at  time.Time
	run *Run
}

func (w *watch) stage(name string) { w.until(name, time.Now()) }

func (w *watch) until(name string, now time.Time) {
	w.run.Stages = append(w.run.Stages, Stage{name, now.Sub(w.at).Seconds()})
	w.at = now
}
