package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDrained holds that a pod that is told to stop while one prompt runs and five
// wait ends with all six done, and all that they made in the buckets.
func TestDrained(t *testing.T) {
	p := newPod(t)
	p.queue("0.01")

	if !p.terminate("1h") {
		t.Error("The hook ends well when the queue is empty.")
	}

	var pictures, videos int

	for name := range p.files("output") {
		if strings.HasSuffix(name, ".png") {
			pictures++
		}
	}

	bucket := p.files("bucket")
	for name, content := range bucket {
		if strings.HasSuffix(name, ".mp4") {
			videos++

			// The length of its box is what its writer went back for.
			if content[16:20] == "\x00\x00\x00\x00" {
				t.Errorf("%s was copied before it was whole", name)
			}
		}
	}

	if pictures != 12 || videos != 6 {
		t.Errorf("Nothing is lost: want 12 pictures and 6 videos, got %d and %d", pictures, videos)
	}

	if diff := cmp.Diff(p.files("local"), bucket); diff != "" {
		t.Errorf("The bucket has what the disk has: -disk, +bucket:\n%s", diff)
	}
}

// TestNotDrained holds that what a pod loses beyond its grace is told by its ids,
// where people look for it.
func TestNotDrained(t *testing.T) {
	p := newPod(t)
	if err := os.WriteFile(p.path("log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}

	ids := p.queue("3600")

	if p.terminate("1ms") {
		t.Error("The hook fails, which Kubernetes tells as an event.")
	}

	for _, name := range []string{"termination-log", "log"} {
		if got := p.read(name); !strings.Contains(got, ids[5]) {
			t.Errorf("%s: a prompt that is lost is named: got %s", name, got)
		}
	}
}

// TestUploaderKilled kills the uploader in its work, over and over. What is closed
// comes into the bucket.
func TestUploaderKilled(t *testing.T) {
	p := newPod(t)
	if err := p.comfyui.Process.Kill(); err != nil {
		t.Fatal(err)
	}

	want := map[string]string{}

	for i := range 10 {
		name := fmt.Sprintf("video/%d.mp4", i)
		want[name] = strings.Repeat(name, 1<<18)

		if err := os.WriteFile(filepath.Join(p.path("local"), name), []byte(want[name]), 0o600); err != nil {
			t.Fatal(err)
		}

		_ = p.uploader.Process.Kill()
		_ = p.uploader.Wait()
		p.startUploader()
	}

	if err := p.uploader.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}

	if err := p.uploader.Wait(); err != nil {
		t.Errorf("All is in the bucket in the end: %v", err)
	}

	got := p.files("bucket")
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s is not in the bucket as it is on the disk", name)
		}
	}

	if len(got) != len(want) {
		t.Errorf("All is there and nothing else: want %d files, got %d", len(want), len(got))
	}
}

// TestSaved holds that what people save outlives a pod: the next one has it before
// its server starts.
func TestSaved(t *testing.T) {
	p := &pod{T: t, dir: t.TempDir()}
	if err := os.MkdirAll(p.path("kept"), 0o750); err != nil {
		t.Fatal(err)
	}

	restore := func(disk string) {
		if err := os.MkdirAll(p.path(disk), 0o750); err != nil {
			t.Fatal(err)
		}

		if err := p.command(program, "restore", "--from="+p.path("kept"), "--to="+p.path(disk+"/files"), "--ledger="+p.path(disk+"/ledger")).Run(); err != nil {
			t.Fatal(err)
		}
	}

	restore("first")

	p.uploader = p.command(program, "keep", "--from="+p.path("first/files"), "--to="+p.path("kept"), "--ledger="+p.path("first/ledger"))
	p.watching()

	if err := os.WriteFile(p.path("first/files/mine.json"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}

	if err := p.uploader.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}

	if err := p.uploader.Wait(); err != nil {
		t.Fatal(err)
	}

	restore("second")

	if got := p.read("second/files/mine.json"); got != "mine" {
		t.Errorf("It is there again: got %q", got)
	}
}

// TestInstall holds that the program that is installed runs.
func TestInstall(t *testing.T) {
	p := &pod{T: t, dir: t.TempDir()}
	if err := p.command(program, "install", "--to="+p.dir).Run(); err != nil {
		t.Fatal(err)
	}

	cmd := exec.CommandContext(t.Context(), p.path(program), "--help")
	cmd.Env = []string{"POD_PROCESS=" + program}

	out, err := cmd.CombinedOutput()
	if err != nil || !slices.Contains(strings.Fields(string(out)), "uploader") {
		t.Errorf("It runs where it is put: %v, %s", err, out)
	}
}
