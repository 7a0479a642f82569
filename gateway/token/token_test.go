package token

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const long = "a-token-of-enough-letters-to-be-one"

func TestParse(t *testing.T) {
	sum := sha256.Sum256([]byte(long))

	cases := map[string]struct {
		reason string
		text   string
		shown  string
		want   string
		wrong  string
	}{
		"Plain":      {reason: "A line is name=token.", text: "ci=" + long, shown: long, want: "ci"},
		"Hash":       {reason: "Or its hash.", text: "ci=sha256:" + hex.EncodeToString(sum[:]), shown: long, want: "ci"},
		"HashItself": {reason: "The hash is no token.", text: "ci=sha256:" + hex.EncodeToString(sum[:]), shown: "sha256:" + hex.EncodeToString(sum[:])},
		"Several":    {reason: "Lines are many, with room between.", text: "# programs\n\na=" + long + "a\r\n b = " + long + "b \n", shown: long + "b", want: "b"},
		"Equals":     {reason: "A token may have an equals sign.", text: "ci=" + long + "==", shown: long + "==", want: "ci"},
		"Short":      {reason: "A short one is guessed.", text: "ci=secret", shown: "secret", wrong: "line 1"},
		"Nameless":   {reason: "It has a name.", text: "=" + long, shown: long, wrong: "line 1"},
		"Bad":        {reason: "A line that is none does not shut out the others.", text: "nonsense\nci=" + long, shown: long, want: "ci", wrong: "line 1"},
		"Twice":      {reason: "Of two of one name the first counts.", text: "ci=" + long + "\nci=" + long + "2", shown: long + "2", wrong: "line 2"},
		"BadHash":    {reason: "Half a hash is none.", text: "ci=sha256:abcd", shown: "sha256:abcd", wrong: "line 1"},
		"Newline":    {reason: "A name stands in logs.", text: "c\x1bi=" + long, shown: long, wrong: "line 1"},
		"Empty":      {reason: "No token is none.", text: "ci=" + long},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := Parse(tc.text)
			if (err != nil) != (tc.wrong != "") || (err != nil && !strings.Contains(err.Error(), tc.wrong)) {
				t.Errorf("%s\nParse(...): want an error with %q, got %v", tc.reason, tc.wrong, err)
			}

			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the token: %v", err)
			}

			got, ok := s.Name(tc.shown)
			if diff := cmp.Diff(tc.want, got); diff != "" || ok != (tc.want != "") {
				t.Errorf("%s\nName(%q): -want, +got:\n%s", tc.reason, tc.shown, diff)
			}
		})
	}
}
