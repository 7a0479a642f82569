package fetch

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var epoch = time.Unix(0, 0)

// part is the size of a part in tests, and content is of four and a half.
const testPart = 4 << 10

// TestFetch goes through what sources and buckets do.
func TestFetch(t *testing.T) {
	large := content(1, 4*testPart+77)

	cases := map[string]struct {
		reason string
		given  func(s *setup) File
		want   Code
		// Untouched is what lies there before and after.
		untouched string
		// Kept says that an upload stays open, to go on with.
		kept bool
	}{
		"Large":    {reason: "A file of several parts is whole.", given: func(s *setup) File { return s.file("a/large", large) }},
		"OneByte":  {reason: "So is one of a byte.", given: func(s *setup) File { return s.file("a/b", "x") }},
		"OnePart":  {reason: "And one of exactly a part.", given: func(s *setup) File { return s.file("a/b", content(2, testPart)) }},
		"TwoParts": {reason: "Or of two.", given: func(s *setup) File { return s.file("a/b", content(3, 2*testPart)) }},
		"OddKey":   {reason: "A key is what was declared, to the letter.", given: func(s *setup) File { return s.file("a/ü b+%20'$(x)", large) }},
		"S3": {
			reason: "A bucket is a source.",
			given: func(s *setup) File {
				s.s3.put("team/x y/é%2F", large, nil)
				return File{Path: "a/s3", URL: "s3://team/x y/é%2F", SHA256: sum(large), Size: int64(len(large))}
			},
		},
		"NoRanges": {
			reason: "A host without ranges is read from start to end.",
			given: func(s *setup) File {
				s.web.first = func(w http.ResponseWriter, r *http.Request) bool {
					r.Header.Del("Range")
					w.Header().Set("Accept-Ranges", "none")

					return false
				}

				return s.file("a/plain", large)
			},
		},
		"NoSize": {
			reason: "Also one that does not say how much it has.",
			given: func(s *setup) File {
				f := s.file("a/chunked", large)
				s.web.first = func(w http.ResponseWriter, _ *http.Request) bool {
					for rest := large; rest != ""; {
						n := min(len(rest), 1000)
						_, _ = w.Write([]byte(rest[:n]))
						rest = rest[n:]

						w.(http.Flusher).Flush()
					}

					return true
				}

				return f
			},
		},
		"ShortStream": {
			reason: "What ends too early is not what was declared.", want: Unreachable, kept: true,
			given: func(s *setup) File {
				f := s.file("a/short", large)
				s.web.first = func(w http.ResponseWriter, _ *http.Request) bool {
					_, _ = w.Write([]byte(large[:testPart]))
					w.(http.Flusher).Flush()
					_, _ = w.Write([]byte(large[testPart : len(large)-1]))

					return true
				}

				return f
			},
		},
		"LongStream": {
			reason: "What goes on too long is cut, and then it is another content.", want: Checksum,
			given: func(s *setup) File {
				f := s.file("a/long", large)
				f.SHA256 = sum(large + "more")
				s.web.first = func(w http.ResponseWriter, _ *http.Request) bool {
					_, _ = w.Write([]byte(large[:testPart]))
					w.(http.Flusher).Flush()
					_, _ = w.Write([]byte(large[testPart:] + "more"))

					return true
				}

				return f
			},
		},
		"Checksum": {
			reason: "Other bytes never appear.", want: Checksum,
			given: func(s *setup) File {
				f := s.file("a/b", large)
				f.SHA256 = sum("other")

				return f
			},
		},
		"Size": {
			reason: "Another size is known before it is read.", want: Size,
			given: func(s *setup) File {
				f := s.file("a/b", large)
				f.Size++

				return f
			},
		},
		"LinkedChecksum": {
			reason: "Where the source tells the hash, it is known before, too.", want: Checksum,
			given: func(s *setup) File {
				f := s.file("a/b", large)
				s.web.first = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == "/hub" {
						w.Header().Set("X-Linked-Etag", `"`+sum("other")+`"`)
						http.Redirect(w, r, "/a/b", http.StatusFound)
					}

					return r.URL.Path == "/hub"
				}
				f.URL = s.web.URL + "/hub"

				return f
			},
		},
		"Page": {
			reason: "A page to look at is no model.", want: Page,
			given: func(s *setup) File {
				f := s.file("a/b", large)
				s.web.first = func(w http.ResponseWriter, _ *http.Request) bool {
					w.Header().Set("Content-Type", "text/html; charset=utf-8")
					_, _ = w.Write([]byte("<html>sign in"))

					return true
				}

				return f
			},
		},
		"Missing":   {reason: "What is not there is not there.", want: Missing, given: func(s *setup) File { f := s.file("a/b", large); delete(s.web.files, "/a/b"); return f }},
		"MissingS3": {reason: "Nor in a bucket.", want: Missing, given: func(*setup) File { return File{Path: "a/b", URL: "s3://team/no", SHA256: sum("x"), Size: 1} }},
		"Gated": {
			reason: "A source that asks for a token says so.", want: Gated,
			given: func(s *setup) File {
				s.web.first = gate
				return s.file("a/b", large)
			},
		},
		"Token": {
			reason: "With it, it gives the file.",
			given: func(s *setup) File {
				s.web.first = gate
				f := s.file("a/b", large)
				f.TokenSecret = "hub"

				return f
			},
		},
		"NoToken": {
			reason: "A secret that is not there is named.", want: NoToken,
			given: func(s *setup) File {
				f := s.file("a/b", large)
				f.TokenSecret = "other"

				return f
			},
		},
		"Busy": {
			reason: "A source that fails every time has failed.", want: Busy,
			given: func(s *setup) File {
				s.web.first = func(w http.ResponseWriter, _ *http.Request) bool {
					w.WriteHeader(http.StatusServiceUnavailable)
					return true
				}

				return s.file("a/b", large)
			},
		},
		"Unreachable": {reason: "A host that is not there is not there.", want: Unreachable, given: func(s *setup) File { f := s.file("a/b", large); s.web.Close(); return f }},
		"Insecure": {
			reason: "Nobody is followed out of TLS.", want: Insecure,
			given: func(s *setup) File {
				s.web.first = func(w http.ResponseWriter, r *http.Request) bool {
					http.Redirect(w, r, "http://example.com/x", http.StatusFound)
					return true
				}

				return s.file("a/b", large)
			},
		},
		"Endless": {
			reason: "Nor round and round.", want: Source,
			given: func(s *setup) File {
				s.web.first = func(w http.ResponseWriter, r *http.Request) bool {
					http.Redirect(w, r, r.URL.Path, http.StatusFound)
					return true
				}

				return s.file("a/b", large)
			},
		},
		"WrongRange": {
			reason: "A range that is another is not taken.", want: Source, kept: true,
			given: func(s *setup) File {
				f := s.file("a/b", large)
				s.web.first = func(w http.ResponseWriter, r *http.Request) bool {
					if r.Header.Get("Range") == "bytes=0-0" {
						return false
					}

					w.Header().Set("Content-Range", fmt.Sprintf("bytes 1-%d/%d", testPart, len(large)))
					w.WriteHeader(http.StatusPartialContent)
					_, _ = w.Write([]byte(large[1 : testPart+1]))

					return true
				}

				return f
			},
		},
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
				s.s3.before = sync.OnceFunc(func() { s.s3.put("models/a/b", large, map[string]string{"sha256": f.SHA256}) })

				return f
			},
		},
	}

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

			if open := s.s3.open(); name != "AnswerLost" && (open > 0) != tc.kept {
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

// gate lets only the token in, and sends on to where it is none of.
func gate(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") == "Bearer s3cr3t" {
		return false
	}

	w.WriteHeader(http.StatusUnauthorized)

	return true
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

// TestBroken holds that a source that breaks is asked for what is missing, not for
// what was read.
func TestBroken(t *testing.T) {
	body := content(1, 3*testPart+5)

	for _, ranges := range []bool{true, false} {
		s := newSetup(t)
		f := s.file("a/b", body)

		var sent atomic.Int64

		s.web.first = func(w http.ResponseWriter, r *http.Request) bool {
			if !ranges {
				r.Header.Del("Range")
			}

			if r.Header.Get("Range") == "bytes=0-0" {
				return false
			}

			// Every answer breaks off, further on each time.
			w.Header().Set("ETag", tag([]byte(body)))
			http.ServeContent(&breaking{ResponseWriter: w, left: 900 + int(sent.Add(1))*700}, r, "", epoch, strings.NewReader(body))

			return true
		}

		if got := s.fetch(t, f)[0]; got != "" {
			t.Errorf("ranges %t: Fetch(...): got %q", ranges, got)
		}

		s.holds(t, f, body)
	}
}

// breaking breaks the connection after some bytes.
type breaking struct {
	http.ResponseWriter

	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n

	_, _ = b.ResponseWriter.Write(p[:n])

	if b.left == 0 {
		b.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}

	return len(p), nil
}

// TestSilent holds that a source that says nothing more is asked again.
func TestSilent(t *testing.T) {
	body := content(1, 2*testPart)
	s := newSetup(t)
	s.opt.Idle = 50 * time.Millisecond
	f := s.file("a/b", body)

	var asked atomic.Int32

	s.web.first = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") == "bytes=0-0" || asked.Add(1) > 1 {
			return false
		}

		w.Header().Set("Content-Range", fmt.Sprintf("%s/%d", strings.Replace(r.Header.Get("Range"), "=", " ", 1), len(body)))
		w.WriteHeader(http.StatusPartialContent)
		w.(http.Flusher).Flush()
		<-r.Context().Done()

		return true
	}

	if got := s.fetch(t, f)[0]; got != "" {
		t.Errorf("Fetch(...): got %q", got)
	}

	s.holds(t, f, body)
}
