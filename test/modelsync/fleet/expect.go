package fleet

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// maxName is the longest name of a file on Linux, in bytes.
const maxName = 255

// Expect is what a directory that mirrors these objects holds, by the rules of
// docs/reference/model-keys.md. They are written here a second time: a judge that
// asks the accused proves nothing.
func Expect(objects []*store.Object) map[string]*store.Object {
	want := map[string]*store.Object{}

	for _, o := range objects {
		if Legal(o.Key) {
			want[o.Key] = o
		}
	}

	for key := range want {
		for _, folder := range Above(key) {
			// With the file in its place, all below would be lost.
			delete(want, folder)
		}
	}

	return want
}

// Legal tells whether a key can be a file at all.
func Legal(key string) bool {
	if !utf8.ValidString(key) || strings.IndexFunc(key, unicode.IsControl) >= 0 {
		return false
	}

	for name := range strings.SplitSeq(key, "/") {
		if name == "" || name == "." || name == ".." || len(name) > maxName {
			return false
		}
	}

	return true
}

// Above are the folders that a key's file is in.
func Above(key string) []string {
	var folders []string

	names := strings.Split(key, "/")
	for i := range names[1:] {
		folders = append(folders, strings.Join(names[:i+1], "/"))
	}

	return folders
}
