package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// A note is what it takes to go on with an upload that was interrupted. The parts
// of an open upload cannot be read back, so the state of the hash behind them is
// kept here.
type note struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// Source is a hash of the URL: what a source has had goes on with itself alone.
	Source string `json:"source"`
	Upload string `json:"upload"`
	// Part is the size of a part, and Done how many of them are hashed and uploaded.
	Part int64 `json:"part"`
	Done int32 `json:"done"`
	// Hash is the state of SHA-256 behind them.
	Hash []byte `json:"hash"`
}

func noteName(file File) string { return hexSum(file.Path + "\n" + file.SHA256)[:32] + ".json" }

// remembered is the note of a file. What cannot be read is as good as none: the
// fetch starts from the beginning.
func (f *Fetcher) remembered(ctx context.Context, file File) (note, bool) {
	b, err := f.Notebook.Read(ctx, noteName(file))
	if err != nil {
		return note{}, false
	}

	n := note{}
	if err := json.Unmarshal(b, &n); err != nil {
		return note{}, false
	}

	ours := n.Path == file.Path && n.SHA256 == file.SHA256 && n.Size == file.Size && n.Source == hexSum(file.URL)
	sound := n.Part > 0 && n.Done >= 0 && int64(n.Done) < partsOf(n.Size, n.Part) && partsOf(n.Size, n.Part) <= mostParts

	return n, ours && sound
}

func (f *Fetcher) remember(ctx context.Context, file File, n note) error {
	n.Path, n.SHA256, n.Size, n.Source = file.Path, file.SHA256, file.Size, hexSum(file.URL)

	b, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("cannot write the note: %w", err)
	}

	return f.Notebook.Write(ctx, noteName(file), b)
}

func (f *Fetcher) forget(ctx context.Context, file File) error {
	return f.Notebook.Delete(ctx, noteName(file))
}

func hexSum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
