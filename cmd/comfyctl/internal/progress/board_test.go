package progress

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestBoard(t *testing.T) {
	cases := map[string]struct {
		reason       string
		bars         bool
		noColour     string
		wants, lacks []string
	}{
		"Terminal": {reason: "Bars tell how each ended, in colour, and what is said stands beside them.", bars: true, wants: []string{"good", "\x1b[32m✓", "bad", "\x1b[31m✗", "said\n"}},
		"Plain":    {reason: "NO_COLOR takes the colour away.", bars: true, noColour: "1", wants: []string{"✓", "✗", "said\n"}, lacks: []string{"\x1b[32m", "\x1b[31m"}},
		"File":     {reason: "Elsewhere only what is said is there.", wants: []string{"said\n"}, lacks: []string{"good", "✓", "\x1b"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NO_COLOR", tc.noColour)

			var out bytes.Buffer

			b := New(&out, tc.bars)
			good, bad := b.Bytes("good", 100), b.Share("bad")

			if _, err := b.Write([]byte("said\n")); err != nil {
				t.Error(err)
			}

			good.To(50, 100)
			good.End(nil, "done")
			bad.To(1, 2)
			bad.End(errors.New("no"), "broken")
			b.Share("nobody ends this")
			b.Close()

			for _, want := range tc.wants {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%s\nwant %q in %q", tc.reason, want, out.String())
				}
			}

			for _, lack := range tc.lacks {
				if strings.Contains(out.String(), lack) {
					t.Errorf("%s\nwant no %q in %q", tc.reason, lack, out.String())
				}
			}
		})
	}
}

func TestTerminal(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()

	if Terminal(f) || Terminal(&bytes.Buffer{}) {
		t.Error("Neither a file nor memory is a terminal.")
	}
}
