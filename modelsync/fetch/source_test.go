package fetch

import (
	"fmt"
	"net/http"
	"testing"
)

// TestFetchFrom goes through what sources do.
func TestFetchFrom(t *testing.T) {
	large := content(1, 4*testPart+77)

	fetchAll(t, map[string]fetchCase{
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
	})
}

// gate lets only the token in, and sends on to where it is none of.
func gate(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") == "Bearer s3cr3t" {
		return false
	}

	w.WriteHeader(http.StatusUnauthorized)

	return true
}
