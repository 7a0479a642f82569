package push

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// noteOf is the file that holds the id of an upload: of this content in parts of
// this size, under this key of this bucket.
func (p *Pusher) noteOf(d *digest) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d", p.Bucket, d.Key, d.sha256, d.part))
	return filepath.Join(p.Notes, hex.EncodeToString(sum[:16]))
}

// remembered is the id of an upload that was interrupted, or empty.
func (p *Pusher) remembered(d *digest) string {
	b, err := os.ReadFile(p.noteOf(d))
	if err != nil {
		return ""
	}

	return strings.TrimSpace(string(b))
}

func (p *Pusher) remember(d *digest, id string) error {
	err := os.MkdirAll(p.Notes, 0o700)
	if err == nil {
		err = os.WriteFile(p.noteOf(d), []byte(id+"\n"), 0o600)
	}

	if err != nil {
		return fmt.Errorf("cannot remember the upload: %w", err)
	}

	return nil
}

func (p *Pusher) forget(d *digest) error {
	if err := os.Remove(p.noteOf(d)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot forget the upload: %w", err)
	}

	return nil
}
