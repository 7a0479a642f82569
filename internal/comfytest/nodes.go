package comfytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"time"
)

// values are a node's inputs, with what they are linked to in place of links.
type values map[string]any

func (v values) text(name string) string {
	s, _ := v[name].(string)
	return s
}

func (v values) float(name string, otherwise float64) float64 {
	if f, ok := numberOf(v[name]); ok {
		return f
	}

	return otherwise
}

func (v values) int(name string) int { return int(v.float(name, 0)) }

func (v values) picture(name string) picture {
	p, _ := v[name].(picture)
	return p
}

// made is what a node makes: values for other nodes, and what the interface shows.
type made struct {
	values []any
	shown  map[string]any
}

// failure is an exception of Python.
type failure struct{ kind, message string }

func (f failure) Error() string { return f.message }

// blocked is a value that keeps the nodes that take it from running.
type blocked struct{ message string }

var errInterrupted = errors.New("interrupted")

func emptyImage(_ *run, in values) (made, error) {
	c := in.int("color")

	return made{values: []any{picture{in.int("width"), in.int("height"), in.int("batch_size"), color.RGBA{
		uint8(c >> 16), uint8(c >> 8), uint8(c), 255, //nolint:gosec // Three bytes of one number.
	}}}}, nil
}

func scale(_ *run, in values) (made, error) {
	p := in.picture("image")
	p.width, p.height = in.int("width"), in.int("height")

	return made{values: []any{p}}, nil
}

func invert(_ *run, in values) (made, error) {
	p := in.picture("image")
	p.colour.R, p.colour.G, p.colour.B = 255-p.colour.R, 255-p.colour.G, 255-p.colour.B

	return made{values: []any{p}}, nil
}

// slowTick takes its time, and tells how far it is.
func slowTick(r *run, in values) (made, error) {
	steps := in.int("steps")
	delay := time.Duration(in.float("delay", r.server.options.Tick.Seconds()) * float64(time.Second))

	for i := range steps {
		if !r.pause(delay) {
			return made{}, errInterrupted
		}

		r.progress(i+1, steps)
	}

	return made{values: []any{in["image"]}}, nil
}

func imageThere(s *Server, in map[string]any) (name, why string) {
	file, ok := in["image"].(string)
	if !ok {
		return "", ""
	}

	if _, err := os.Stat(s.inputPath(file)); err != nil {
		return "image", "Invalid image file: " + file
	}

	return "", ""
}

func loadImage(r *run, in values) (made, error) {
	f, err := os.Open(r.server.inputPath(in.text("image")))
	if err != nil {
		return made{}, failure{"FileNotFoundError", err.Error()}
	}
	defer f.Close()

	i, err := png.Decode(f)
	if err != nil {
		return made{}, failure{"UnidentifiedImageError", "cannot identify image file '" + f.Name() + "'"}
	}

	c, _ := color.RGBAModel.Convert(i.At(0, 0)).(color.RGBA)

	return made{values: []any{picture{i.Bounds().Dx(), i.Bounds().Dy(), 1, c}, "mask"}}, nil
}

// described is a picture as Python prints a tensor, which an error shows of what
// a node was given.
func described(v any) string {
	switch v := v.(type) {
	case picture:
		return fmt.Sprintf("tensor(%d, %d, %d, 3)", v.count, v.height, v.width)
	case json.Number:
		return v.String()
	}

	return fmt.Sprint(v)
}
