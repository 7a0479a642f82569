package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"
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

// most is more than a note ever has.
const most = 64 << 10

func (f *Fetcher) noteKey(file File) string {
	return f.Notes.Prefix + hexSum(file.Path + "\n" + file.SHA256)[:32] + ".json"
}

// remembered is the note of a file. What cannot be read is as good as none: the
// fetch starts from the beginning.
func (f *Fetcher) remembered(ctx context.Context, file File) (note, bool) {
	out, err := f.Client.GetObject(ctx, &s3.GetObjectInput{Bucket: new(f.Notes.Bucket), Key: new(f.noteKey(file))})
	if err != nil {
		return note{}, false
	}
	defer out.Body.Close()

	b, err := io.ReadAll(io.LimitReader(out.Body, most))
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

	_, err = f.Client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: new(f.Notes.Bucket), Key: new(f.noteKey(file)), Body: bytes.NewReader(b), ContentType: new("application/json"),
	})
	if err != nil {
		return fmt.Errorf("cannot write the note: %w", err)
	}

	return nil
}

func (f *Fetcher) forget(ctx context.Context, file File) error {
	if _, err := f.Client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: new(f.Notes.Bucket), Key: new(f.noteKey(file))}); err != nil {
		return fmt.Errorf("cannot delete the note: %w", err)
	}

	return nil
}

func hexSum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
