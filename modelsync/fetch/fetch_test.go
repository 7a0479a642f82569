package fetch

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var epoch = time.Unix(0, 0)

// part is the size of a part in tests, and content is of four and a half.
const testPart = 4 << 10

// A fetchCase is what sources or buckets do, and what becomes of a file then.
type fetchCase struct {
	reason string
	given  func(s *setup) File
	want   Code
	// Untouched is what lies there before and after.
	untouched string
	// Kept says that an upload stays open, to go on with.
	kept bool
}

// fetchAll goes through cases.
func fetchAll(t *testing.T, cases map[string]fetchCase) {
	t.Helper()

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t)
			f := tc.given(s)

			if got := s.fetch(t, f)[0]; got != tc.want {
				t.Errorf("%s\nFetch(...): want %q, got %q", tc.reason, tc.want, got)
			}

			o, there := s.s3.get("models/" + f.Path)

			switch {
			case tc.untouched != "":
				if string(o.body) != tc.untouched {
					t.Errorf("%s\nobject: want %q, got %d bytes", tc.reason, tc.untouched, len(o.body))
				}
			case there != (tc.want == ""):
				t.Errorf("%s\nis there: %t", tc.reason, there)
			case there && (sum(string(o.body)) != f.SHA256 || o.metadata["sha256"] != f.SHA256):
				t.Errorf("%s\nobject: got %d bytes with metadata %v", tc.reason, len(o.body), o.metadata)
			}

			if open := s.s3.open(); (open > 0) != tc.kept {
				t.Errorf("%s\nopen uploads: got %d", tc.reason, open)
			}

			if notes := s.s3.keys("artefacts/"); len(notes) > 0 && !tc.kept {
				t.Errorf("%s\nnotes: want none, got %v", tc.reason, notes)
			}

			if strings.Contains(s.log.String(), "s3cr3t") {
				t.Error("A token is in the log.")
			}
		})
	}
}

// TestFetchInto goes through what buckets do.
func TestFetchInto(t *testing.T) {
	large := content(1, 4*testPart+77)

	fetchAll(t, map[string]fetchCase{
		"Conflict": {
			reason: "Somebody's own file stays.", want: Conflict, untouched: "my own",
			given: func(s *setup) File { s.s3.put("models/a/b", "my own", nil); return s.file("a/b", large) },
		},
		"ConflictOlder": {
			reason: "So does what another declaration brought.", want: Conflict, untouched: "older",
			given: func(s *setup) File {
				s.s3.put("models/a/b", "older", map[string]string{"sha256": sum("older")})
				return s.file("a/b", large)
			},
		},
		"ConflictMeanwhile": {
			reason: "Also where it comes while ours is on its way.", want: Conflict, untouched: "my own",
			given: func(s *setup) File {
				s.s3.before = sync.OnceFunc(func() { s.s3.put("models/a/b", "my own", nil) })
				return s.file("a/b", large)
			},
		},
		"Denied": {
			reason: "A bucket that refuses is not empty.", want: Denied,
			given: func(s *setup) File {
				s.s3.refuse = func(call string) (int, string) {
					if call == "HEAD models/a/b" {
						return http.StatusForbidden, "AccessDenied"
					}

					return 0, ""
				}

				return s.file("a/b", large)
			},
		},
		"DeniedWrite": {
			reason: "Nor may everyone who looks write.", want: Denied,
			given: func(s *setup) File {
				s.s3.refuse = func(call string) (int, string) {
					if call == "POST uploads models/a/b" {
						return http.StatusForbidden, "AccessDenied"
					}

					return 0, ""
				}

				return s.file("a/b", large)
			},
		},
		"NoNotes": {
			reason: "Without notes it cannot go on later, and fetches all the same.",
			given: func(s *setup) File {
				s.s3.refuse = func(call string) (int, string) {
					if strings.Contains(call, "artefacts/") {
						return http.StatusForbidden, "AccessDenied"
					}

					return 0, ""
				}

				return s.file("a/b", large)
			},
		},
		"AnswerLost": {
			reason: "An upload whose answer is lost is there.",
			given: func(s *setup) File {
				f := s.file("a/b", large)
				// What S3 says of an upload that it has completed.
				s.s3.before = sync.OnceFunc(func() {
					s.s3.put("models/a/b", large, map[string]string{"sha256": f.SHA256})
					s.s3.end()
				})

				return f
			},
		},
	})
}

// TestThere holds that a file that is there costs one question, and none to its
// source.
func TestThere(t *testing.T) {
	for reason, o := range map[string]object{
		"By the hash that it carries.":                    {body: []byte("weights"), metadata: map[string]string{"sha256": sum("weights")}},
		"By S3's own, of what somebody uploaded by hand.": {body: []byte("weights"), sha256: base64.StdEncoding.EncodeToString(decode(sum("weights")))},
	} {
		s := newSetup(t)
		f := s.file("a/b", "weights")
		s.s3.objects["models/a/b"] = o

		if got := s.fetch(t, f)[0]; got != "" || s.s3.count("HEAD") != 1 || len(s.s3.calls) != 1 || len(s.web.asked) > 0 {
			t.Errorf("%s\nFetch(...): got %q with calls %v and %v", reason, got, s.s3.calls, s.web.asked)
		}
	}
}

func decode(text string) []byte {
	b, _ := hex.DecodeString(text)
	return b
}

// TestOthers holds that one file that fails stops no other, and that the report
// tells of each.
func TestOthers(t *testing.T) {
	s := newSetup(t)
	s.s3.put("models/a/mine", "my own", nil)

	a, b := content(1, 3*testPart), content(2, testPart+1)
	files := []File{s.file("a/a", a), s.file("a/mine", "x"), s.file("a/b", b), {Path: "a/no", URL: s.web.URL + "/no", SHA256: sum(""), Size: 1}}

	var (
		mu   sync.Mutex
		told = map[string]Code{}
	)

	s.opt.Report = func(r Result) {
		mu.Lock()
		defer mu.Unlock()

		told[r.Path] = r.Failure
	}

	if diff := cmp.Diff([]Code{"", Conflict, "", Missing}, s.fetch(t, files...)); diff != "" {
		t.Errorf("Fetch(...): -want, +got:\n%s", diff)
	}

	if diff := cmp.Diff(map[string]Code{"a/a": "", "a/mine": Conflict, "a/b": "", "a/no": Missing}, told); diff != "" {
		t.Errorf("Report: -want, +got:\n%s", diff)
	}

	s.holds(t, files[0], a)
	s.holds(t, files[2], b)
}
