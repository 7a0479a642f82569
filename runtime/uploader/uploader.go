// Package uploader copies to a bucket what a server cannot write into it. Videos,
// sounds and 3D files are written by going back in them or under another name, and
// Mountpoint for S3 takes files from their beginning to their end only. So a
// server writes them to the node's disk, and this copies each when it is closed.
//
// It promises that no closed file is lost, wherever it is killed: what the bucket
// has is compared with the disk at every start, byte for byte, since a copy that
// was cut off looks like a file to Mountpoint. A file is closed when the kernel
// says that nobody has it open for writing. What is written again is copied again,
// and what is removed from the disk stays in the bucket.
//
// It needs no credentials, and only reads the disk. The bucket's directory is one
// server's own, so two servers never meet in it.
//
// With a ledger it keeps a directory that servers share: the saved workflows and
// settings of a pool, which must outlive each server. The ledger says which state of
// each file the bucket was given or gave, so what this server did not touch is left
// as another may have written it, and what it removes is removed.
package uploader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// An Uploader copies from one directory to another.
type Uploader struct {
	// From is the directory on the node's disk.
	From string
	// To is the bucket.
	To Bucket
	// Grace is how long the last copies may take after the end was asked for.
	Grace time.Duration
	// Retry is the time before a copy that failed is tried again.
	Retry time.Duration
	// Ledger is the file of the ledger, for a directory that servers share.
	Ledger string
	Log    *slog.Logger

	// waiting are the files to look at, and done those whose last state is copied.
	waiting map[string]bool
	done    map[string]stamp
	ending  bool
}

// Run copies until ctx is over, and then what is left. It returns an error where
// something is left after the grace, and when it cannot watch the disk.
func (u *Uploader) Run(ctx context.Context) error {
	u.waiting = map[string]bool{}

	done, err := readLedger(u.Ledger)
	if err != nil {
		return err
	}

	u.done = done

	// A copy that is under way when the end is asked for goes on through the grace.
	last, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()

	context.AfterFunc(ctx, func() { time.AfterFunc(u.Grace, stop) })

	w, err := watch(u.From)
	if err != nil {
		return err
	}
	defer w.close()

	u.Log.Info("watching", "directory", u.From)

	if err := u.scan("."); err != nil {
		return err
	}

	for ctx.Err() == nil {
		u.copyAll(last, ctx.Done())

		if err := u.await(ctx, w); err != nil {
			return err
		}
	}

	u.ending = true

	return u.flush(last)
}

// await waits for something to do.
func (u *Uploader) await(ctx context.Context, w *watcher) error {
	var again <-chan time.Time

	if len(u.waiting) > 0 {
		t := time.NewTimer(u.Retry)
		defer t.Stop()

		again = t.C
	}

	select {
	case e := <-w.events:
		return u.heard(e)
	case err := <-w.failed:
		return err
	case <-again:
	case <-ctx.Done():
	}

	return nil
}

func (u *Uploader) heard(e event) error {
	if e.directory {
		return u.scan(e.name)
	}

	u.waiting[e.name] = true

	return nil
}

// flush copies what is left when the server has ended: nobody writes any more.
func (u *Uploader) flush(ctx context.Context) error {
	for {
		if err := u.scan("."); err != nil {
			return err
		}

		u.copyAll(ctx, ctx.Done())

		if len(u.waiting) == 0 {
			u.Log.Info("everything is in the bucket")
			return nil
		}

		select {
		case <-time.After(u.Retry):
		case <-ctx.Done():
			left := slices.Sorted(maps.Keys(u.waiting))
			u.Log.Error("files are lost with this node's disk", "files", left)

			return fmt.Errorf("%d files are not in the bucket: %s", len(left), strings.Join(left, ", "))
		}
	}
}

// scan finds the files below a directory.
func (u *Uploader) scan(dir string) error {
	err := filepath.WalkDir(filepath.Join(u.From, dir), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			// It was removed in the meantime.
			return nil
		}

		if err != nil {
			return err
		}

		name, err := filepath.Rel(u.From, path)
		if err == nil && d.Type().IsRegular() {
			u.waiting[name] = true
		}

		return err
	})
	if err != nil {
		return fmt.Errorf("cannot list %s: %w", dir, err)
	}

	// What the ledger has and the disk has not was removed.
	if u.Ledger != "" {
		for name := range u.done {
			u.waiting[name] = true
		}
	}

	return nil
}

// copyAll copies what waits, until enough. What fails waits on.
func (u *Uploader) copyAll(ctx context.Context, enough <-chan struct{}) {
	for _, name := range slices.Sorted(maps.Keys(u.waiting)) {
		select {
		case <-enough:
			return
		default:
		}

		over, err := u.copyFile(ctx, name)
		if err != nil {
			u.Log.Warn("cannot copy a file yet", "file", name, "error", err.Error())
		}

		if over {
			delete(u.waiting, name)
		}
	}
}

// copyFile copies one file, and says whether there is nothing left to do for it.
func (u *Uploader) copyFile(ctx context.Context, name string) (bool, error) {
	f, err := os.Open(filepath.Join(u.From, name))
	if errors.Is(err, fs.ErrNotExist) {
		// ComfyUI takes away what it could not finish.
		return u.forget(name)
	}

	if err != nil {
		return false, fmt.Errorf("cannot open it: %w", err)
	}
	defer f.Close()

	before, err := stampOf(f)
	if err != nil || before == u.done[name] {
		return err == nil, err
	}

	// Whoever opens it to write meanwhile waits for the end of the copy, as the
	// kernel has it, but not longer than 45 seconds.
	closed, err := lease(f)
	if err != nil || !closed {
		// Its close will be heard, if anybody listens still.
		return err == nil && !u.ending, err
	}

	started := time.Now()

	there, err := u.same(name, f, before.Size)
	if err != nil {
		return false, err
	}

	if !there {
		if err := u.put(ctx, name, f); err != nil {
			return false, err
		}

		u.Log.Info("copied", "file", name, "bytes", before.Size, "took", time.Since(started).Round(time.Millisecond).String())
	}

	if after, err := stampOf(f); err != nil || after != before {
		return false, errors.Join(err, errors.New("it was written while it was copied"))
	}

	u.done[name] = before

	return true, writeLedger(u.Ledger, u.done)
}

// forget removes from a directory that servers share what this one removed.
func (u *Uploader) forget(name string) (bool, error) {
	if _, ours := u.done[name]; u.Ledger == "" || !ours {
		return true, nil
	}

	if err := u.To.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("cannot remove it from the bucket: %w", err)
	}

	delete(u.done, name)
	u.Log.Info("removed", "file", name)

	return true, writeLedger(u.Ledger, u.done)
}
