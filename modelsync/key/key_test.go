package key

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	cases := map[string]struct {
		reason string
		key    string
		want   string
	}{
		"Plain":        {reason: "Most keys are paths.", key: "checkpoints/flux1-dev.safetensors"},
		"Top":          {reason: "A file may be in no folder.", key: "readme"},
		"Odd":          {reason: "What a shell or a URL minds is a name all the same.", key: `lo ras/a+b%2F&é\"'$(touch x);*?~#-rf`},
		"Hidden":       {reason: "Nothing of ours is in the directory, so no name is taken.", key: ".ready"},
		"Dots":         {reason: "Only whole segments of dots mean anything.", key: "a..b/..c/d../..."},
		"Up":           {reason: "This is outside, or another file.", key: "../escape", want: `has the segment ".."`},
		"UpInside":     {reason: "S3 takes it, and it is the file b.", key: "a/../b", want: `has the segment ".."`},
		"Here":         {reason: "It is the file a/b.", key: "a/./b", want: `has the segment "."`},
		"Root":         {reason: "It begins with an empty segment.", key: "/etc/passwd", want: "has an empty segment"},
		"Double":       {reason: "It is the file x/y.", key: "x//y", want: "has an empty segment"},
		"Folder":       {reason: "A folder holds no bytes.", key: "loras/", want: "names a folder and holds bytes"},
		"Newline":      {reason: "Nobody can handle such a name in a shell.", key: "a\nb", want: "holds a control character"},
		"Null":         {reason: "Linux ends the name there.", key: "a\x00b", want: "holds a control character"},
		"Escape":       {reason: "It writes to a terminal.", key: "a\x1b[2Jb", want: "holds a control character"},
		"C1":           {reason: "So does this, in eight bits.", key: "a\u009bb", want: "holds a control character"},
		"Longest":      {reason: "A name may have 255 bytes.", key: "a/" + strings.Repeat("x", 255)},
		"TooLong":      {reason: "And no more.", key: "a/" + strings.Repeat("x", 256), want: "has a segment of more than 255 bytes"},
		"TooManyBytes": {reason: "Bytes count and not letters.", key: strings.Repeat("é", 128), want: "has a segment of more than 255 bytes"},
		"LongKey":      {reason: "S3 takes none that is longer.", key: strings.Repeat("x/", 512) + "x", want: "is longer than 1024 bytes"},
		"Empty":        {reason: "It names nothing.", want: "is empty"},
		"NotUTF8":      {reason: "S3 has no such key.", key: "a\xffb", want: "is not UTF-8"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := Check(tc.key); err != nil {
				got = err.Error()
			}

			if got != tc.want {
				t.Errorf("%s\nCheck(%q): want %q, got %q", tc.reason, tc.key, tc.want, got)
			}
		})
	}
}

func TestTree(t *testing.T) {
	cases := map[string]struct {
		reason  string
		keys    []string
		want    []string
		refused []Refusal
	}{
		"FolderWins": {
			reason:  "With the file in its place everything below would be lost.",
			keys:    []string{"a", "a/b", "a.c"},
			want:    []string{"a/b", "a.c"},
			refused: []Refusal{{Key: "a", Reason: `is also the folder of "a/b"`}},
		},
		"AnyOrder": {
			reason:  "It does not matter which comes first.",
			keys:    []string{"a/b/c", "a/b", "a"},
			want:    []string{"a/b/c"},
			refused: []Refusal{{Key: "a/b", Reason: `is also the folder of "a/b/c"`}, {Key: "a", Reason: `is also the folder of "a/b/c"`}},
		},
		"RefusedFolder": {
			reason:  "A key that is no file needs no folder.",
			keys:    []string{"a", "a/../b"},
			want:    []string{"a"},
			refused: []Refusal{{Key: "a/../b", Reason: `has the segment ".."`}},
		},
		"Case": {
			reason: "Linux tells letters apart by case.",
			keys:   []string{"Flux.safetensors", "flux.safetensors", "FLUX/x"},
			want:   []string{"Flux.safetensors", "flux.safetensors", "FLUX/x"},
		},
		"Normalisation": {
			reason: "And by bytes: é is one letter or two.",
			keys:   []string{"\u00e9", "e\u0301"},
			want:   []string{"\u00e9", "e\u0301"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, refused := Tree(tc.keys)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nTree(%q): -want, +got:\n%s", tc.reason, tc.keys, diff)
			}

			if diff := cmp.Diff(tc.refused, refused); diff != "" {
				t.Errorf("%s\nTree(%q): refused: -want, +got:\n%s", tc.reason, tc.keys, diff)
			}
		})
	}
}

func TestIsFolder(t *testing.T) {
	if !IsFolder("loras/", 0) || IsFolder("loras/", 1) || IsFolder("loras", 0) {
		t.Error("Only a key without bytes that ends in a slash marks a folder.")
	}
}
