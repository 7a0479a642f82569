package uploader

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// readLedger reads a ledger. There is none before the first entry.
func readLedger(name string) (map[string]stamp, error) {
	out := map[string]stamp{}
	if name == "" {
		return out, nil
	}

	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}

	if err == nil {
		err = json.Unmarshal(b, &out)
	}

	if err != nil {
		return nil, fmt.Errorf("cannot read the ledger: %w", err)
	}

	return out, nil
}

// writeLedger replaces a ledger at once, or not at all.
func writeLedger(name string, entries map[string]stamp) error {
	if name == "" {
		return nil
	}

	b, err := json.Marshal(entries)
	if err == nil {
		err = os.WriteFile(name+".new", b, 0o600)
	}

	if err == nil {
		err = os.Rename(name+".new", name)
	}

	if err != nil {
		return fmt.Errorf("cannot write the ledger: %w", err)
	}

	return nil
}

// Restore brings what a bucket keeps to the disk before a server starts, and notes
// it in the ledger. What is on the disk stays: it may be newer, since a pod's first
// containers run again when its sandbox is made anew.
func Restore(from fs.FS, to, ledger string, log *slog.Logger) error {
	entries, err := readLedger(ledger)
	if err != nil {
		return err
	}

	count := 0

	err = fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}

		at := filepath.Join(to, name)
		if _, err := os.Stat(at); err == nil {
			return nil
		}

		s, err := restoreFile(from, name, at, ledger+".file")
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}

		entries[name] = s
		count++

		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot restore: %w", err)
	}

	log.Info("restored", "files", count)

	return writeLedger(ledger, entries)
}

// restoreFile copies one file. Under its name is nothing or all of it, and what is not
// yet all lies outside of the directory: what was left there by a kill would be kept as
// somebody's file.
func restoreFile(from fs.FS, name, at, part string) (stamp, error) {
	in, err := from.Open(name)
	if err != nil {
		return stamp{}, err
	}
	defer in.Close()

	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return stamp{}, err
	}

	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return stamp{}, err
	}
	defer out.Close()

	if _, err := io.Copy(out, in); err != nil {
		return stamp{}, err
	}

	s, err := stampOf(out)
	if err != nil {
		return stamp{}, err
	}

	return s, os.Rename(part, at)
}
