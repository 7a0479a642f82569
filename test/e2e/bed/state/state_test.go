package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, dir string, names ...string) {
	t.Helper()

	for _, n := range names {
		if err := os.WriteFile(filepath.Join(dir, n), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()

	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}

	n := []string{}
	for _, e := range entries {
		n = append(n, e.Name())
	}

	return n
}

func TestAcquire(t *testing.T) {
	cases := map[string]struct {
		reason string
		before []string
		keep   []string
		want   []string
	}{
		"Empty": {
			reason: "A new directory has a lock only.",
			want:   []string{"lock"},
		},
		"Stale": {
			reason: "What a killed bed left is removed, and nothing else.",
			before: []string{"lock", "bed.json", "kubeconfig", "mine.txt"},
			want:   []string{"lock", "mine.txt"},
		},
		"Keep": {
			reason: "A file to keep is kept.",
			before: []string{"bed.json", "up.log"},
			keep:   []string{"up.log"},
			want:   []string{"lock", "up.log"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tc.before...)

			l, err := Acquire(dir, tc.keep...)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Release()

			if diff := cmp.Diff(tc.want, names(t, dir)); diff != "" {
				t.Errorf("%s\nAcquire(...): -want, +got:\n%s", tc.reason, diff)
			}

			if _, err := Acquire(dir); !errors.Is(err, ErrRunning) {
				t.Errorf("Acquire(...) again: want %v, got %v", ErrRunning, err)
			}
		})
	}
}

func TestRead(t *testing.T) {
	state := State{PID: 1, Ready: true, Started: time.Unix(1, 0).UTC(), Scale: 60, Groups: map[string]int{"core": 7}}

	type want struct {
		state   State
		running bool
	}

	cases := map[string]struct {
		reason  string
		prepare func(t *testing.T, dir string)
		want    want
	}{
		"Nothing": {
			reason:  "A directory without a lock has no bed.",
			prepare: func(*testing.T, string) {},
		},
		"Stale": {
			reason:  "A file whose bed is dead is not believed.",
			prepare: func(t *testing.T, dir string) { t.Helper(); write(t, dir, "lock", "bed.json") },
		},
		"Starting": {
			reason:  "A bed that has not written its state yet runs.",
			prepare: func(t *testing.T, dir string) { t.Helper(); hold(t, dir) },
			want:    want{running: true},
		},
		"Running": {
			reason: "A running bed's state is what it wrote.",
			prepare: func(t *testing.T, dir string) {
				t.Helper()

				if err := hold(t, dir).Write(state); err != nil {
					t.Fatal(err)
				}
			},
			want: want{state: state, running: true},
		},
		"Released": {
			reason:  "A bed that was stopped does not run.",
			prepare: func(t *testing.T, dir string) { t.Helper(); hold(t, dir).Release() },
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tc.prepare(t, dir)

			s, running, err := Read(dir)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, want{s, running}, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("%s\nRead(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func hold(t *testing.T, dir string) *Lock {
	t.Helper()

	l, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(l.Release)

	return l
}
