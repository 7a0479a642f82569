package fetch

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestResume ends a fetch at every part and starts it again: it goes on where it
// was, reads nothing twice but what was on its way, and the file is whole.
func TestResume(t *testing.T) {
	const parts = 6

	body := content(1, parts*testPart-100)

	for stop := range int32(parts) {
		s := newSetup(t)
		s.opt.Window = 1
		f := s.file("a/b", body)

		ctx, end := context.WithCancel(t.Context())

		var sent atomic.Int32

		s.s3.refuse = func(call string) (int, string) {
			if strings.HasPrefix(call, "PUT part") && sent.Add(1) > stop {
				end()
				return http.StatusServiceUnavailable, "SlowDown"
			}

			return 0, ""
		}

		first, err := New(s.opt)
		if err != nil {
			t.Fatal(err)
		}

		if got := first.Fetch(ctx, []File{f})[0].Failure; got != Stopped {
			t.Errorf("stopped at %d: want %q, got %q", stop, Stopped, got)
		}

		if _, there := s.s3.get("models/a/b"); there {
			t.Errorf("stopped at %d: a part of a file is there", stop)
		}

		s.s3.refuse, s.web.asked = nil, nil

		if got := s.fetch(t, f)[0]; got != "" {
			t.Errorf("stopped at %d: then got %q", stop, got)
		}

		s.holds(t, f, body)

		// The first asks for a byte; each other is a part that was missing.
		if asked := len(s.web.asked) - 1; asked != parts-int(stop) {
			t.Errorf("stopped at %d: the second fetch reads %d parts: %v", stop, asked, s.web.asked)
		}

		if s.s3.open() != 0 || len(s.s3.keys("artefacts/")) > 0 {
			t.Errorf("stopped at %d: %d uploads and notes %v stay", stop, s.s3.open(), s.s3.keys("artefacts/"))
		}
	}
}

// interrupted leaves a fetch of body behind that got through two parts.
func interrupted(t *testing.T, s *setup, f File) {
	t.Helper()

	ctx, end := context.WithCancel(t.Context())
	defer end()

	var sent atomic.Int32

	s.opt.Window = 1
	s.s3.refuse = func(call string) (int, string) {
		if strings.HasPrefix(call, "PUT part") && sent.Add(1) > 2 {
			end()
			return http.StatusServiceUnavailable, "SlowDown"
		}

		return 0, ""
	}

	first, err := New(s.opt)
	if err != nil {
		t.Fatal(err)
	}

	first.Fetch(ctx, []File{f})

	s.s3.refuse = nil

	if len(s.s3.keys("artefacts/fetches/")) != 1 {
		t.Fatalf("notes: got %v", s.s3.keys("artefacts/"))
	}
}

// TestResumeNot goes through what makes a fetch start again.
func TestResumeNot(t *testing.T) {
	body := content(1, 5*testPart)

	cases := map[string]struct {
		reason string
		given  func(t *testing.T, s *setup, f *File)
	}{
		"UploadGone": {reason: "The bucket's life cycle takes uploads away.", given: func(_ *testing.T, s *setup, _ *File) { clear(s.s3.uploads) }},
		"PartGone": {reason: "A part that is missing is missing.", given: func(_ *testing.T, s *setup, _ *File) {
			for _, u := range s.s3.uploads {
				delete(u.parts, 1)
			}
		}},
		"PartShort": {reason: "So is one of another length.", given: func(_ *testing.T, s *setup, _ *File) {
			for _, u := range s.s3.uploads {
				u.parts[2] = object{body: []byte("x")}
			}
		}},
		"NoteBroken": {reason: "A note that cannot be read is none.", given: func(_ *testing.T, s *setup, _ *File) { s.s3.put(s.s3.keys("artefacts/")[0], "{", nil) }},
		"NoteOfNoHash": {reason: "Nor is one whose hash is none.", given: func(t *testing.T, s *setup, _ *File) {
			t.Helper()
			edit(t, s, func(n *note) { n.Hash = []byte("x") })
		}},
		"NoteTooFar": {reason: "Nor one that tells of more than there is.", given: func(t *testing.T, s *setup, _ *File) {
			t.Helper()
			edit(t, s, func(n *note) { n.Done = 1 << 30 })
		}},
		"OtherSource": {reason: "Another source goes on with nobody's parts.", given: func(_ *testing.T, s *setup, f *File) {
			s.web.files["/other"] = s.web.files["/a/b"]
			f.URL = s.web.URL + "/other"
		}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t)
			f := s.file("a/b", body)
			interrupted(t, s, f)
			tc.given(t, s, &f)

			s.web.asked = nil

			if got := s.fetch(t, f)[0]; got != "" {
				t.Errorf("%s\nFetch(...): got %q", tc.reason, got)
			}

			s.holds(t, f, body)

			if !slices.Contains(s.web.asked, "bytes=0-4095") {
				t.Errorf("%s\nIt starts again: got %v", tc.reason, s.web.asked)
			}
		})
	}
}

func edit(t *testing.T, s *setup, mod func(*note)) {
	t.Helper()

	key := s.s3.keys("artefacts/")[0]
	o, _ := s.s3.get(key)
	n := note{}

	if err := json.Unmarshal(o.body, &n); err != nil {
		t.Fatal(err)
	}

	mod(&n)

	b, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}

	s.s3.put(key, string(b), nil)
}

// TestResumeOther holds that a source that had another file before the
// interruption spoils nothing: the fetch starts again by itself.
func TestResumeOther(t *testing.T) {
	body := content(1, 5*testPart)
	s := newSetup(t)
	f := s.file("a/b", body)
	s.web.files["/a/b"] = content(2, 5*testPart)
	interrupted(t, s, f)

	s.web.files["/a/b"] = body

	if got := s.fetch(t, f)[0]; got != "" {
		t.Errorf("Fetch(...): got %q", got)
	}

	s.holds(t, f, body)
}

// TestChanged holds that a file that changes while it is read is not mixed.
func TestChanged(t *testing.T) {
	body := content(1, 8*testPart)
	s := newSetup(t)
	s.opt.Window = 1
	f := s.file("a/b", body)

	var asked atomic.Int32

	s.web.first = func(http.ResponseWriter, *http.Request) bool {
		if asked.Add(1) == 4 {
			s.web.mu.Lock()
			s.web.files["/a/b"] = content(2, 8*testPart)
			s.web.mu.Unlock()
		}

		return false
	}

	if got := s.fetch(t, f)[0]; got != Changed {
		t.Errorf("Fetch(...): want %q, got %q", Changed, got)
	}

	if _, there := s.s3.get("models/a/b"); there {
		t.Error("What is of two files is there.")
	}
}

// TestWindow holds that no more parts are on their way at once than the window
// holds, over all files.
func TestWindow(t *testing.T) {
	s := newSetup(t)

	var (
		mu         sync.Mutex
		held, peak int
		files      []File
	)

	// A part is in memory from before it is asked for until after it is uploaded.
	s.web.first = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") != "bytes=0-0" {
			mu.Lock()
			held++
			peak = max(peak, held)
			mu.Unlock()
		}

		return false
	}
	s.s3.refuse = func(call string) (int, string) {
		if strings.HasPrefix(call, "PUT part") {
			mu.Lock()
			held--
			mu.Unlock()
		}

		return 0, ""
	}

	for i := range 6 {
		files = append(files, s.file("a/"+string(rune('a'+i)), content(uint64(i), 7*testPart)))
	}

	for i, got := range s.fetch(t, files...) {
		if got != "" {
			t.Errorf("%s: got %q", files[i].Path, got)
		}
	}

	if peak > s.opt.Window || peak < 2 {
		t.Errorf("parts in memory: want 2 to %d, got %d", s.opt.Window, peak)
	}
}

// TestPartSize holds S3's limit of ten thousand parts.
func TestPartSize(t *testing.T) {
	for size, want := range map[int64]int64{1: 64 << 20, 640 << 30: 66 << 20, 625 << 30: 64 << 20, 10 << 40: 1049 << 20} {
		got := partSize(size, 64<<20)
		if got != want || partsOf(size, got) > mostParts {
			t.Errorf("partSize(%d): want %d, got %d, which makes %d parts", size, want, got, partsOf(size, got))
		}
	}
}
