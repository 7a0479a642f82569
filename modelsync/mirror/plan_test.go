package mirror

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
	"github.com/comfyui-studio/comfyui-studio/modelsync/key"
)

// A summary is a plan by its keys.
type summary struct {
	Current, Copies, Deletes, Skipped []string
	Links                             map[string][]string
	Refused                           []key.Refusal
}

func summaryOf(p plan) summary {
	keys := func(objects []bucket.Object) []string {
		var out []string
		for _, o := range objects {
			out = append(out, o.Key)
		}

		return out
	}

	s := summary{Current: keys(p.current), Copies: keys(p.copies), Deletes: p.deletes, Skipped: keys(p.skipped), Refused: p.refused}

	for _, l := range p.links {
		if s.Links == nil {
			s.Links = map[string][]string{}
		}

		s.Links[l.object.Key] = l.from
	}

	return s
}

// has is a file that holds a version.
func has(size int64, tags ...string) file {
	return file{Entry: disk.Entry{Kind: disk.Regular, Size: size}, known: true, identity: identity{size: size, tags: tags}}
}

func TestPlan(t *testing.T) {
	const mib = 1 << 20

	cases := map[string]struct {
		reason     string
		listing    []bucket.Object
		here       map[string]file
		room       int64
		unreadable []key.Refusal
		first      []string
		want       summary
	}{
		"Nothing": {reason: "An empty bucket is an empty directory."},
		"Same": {
			reason:  "What has the version needs nothing.",
			listing: []bucket.Object{{Key: "a", ETag: "1", Size: 5}},
			here:    map[string]file{"a": has(5, "1")},
			want:    summary{Current: []string{"a"}},
		},
		"EqualSize": {
			reason:  "Another version of the same size is another version.",
			listing: []bucket.Object{{Key: "a", ETag: "2", Size: 5}},
			here:    map[string]file{"a": has(5, "1")},
			room:    100,
			want:    summary{Copies: []string{"a"}},
		},
		"Unknown": {
			reason:  "What has no identity is not trusted.",
			listing: []bucket.Object{{Key: "a", ETag: "1", Size: 5}},
			here:    map[string]file{"a": {Entry: disk.Entry{Kind: disk.Regular, Size: 5}}},
			room:    100,
			want:    summary{Copies: []string{"a"}},
		},
		"Deletes": {
			reason:  "What is not listed is to be proven gone, an index first.",
			listing: nil,
			here:    map[string]file{"a/1": has(1), "a/x.index.json": has(1), "b": has(1)},
			want:    summary{Deletes: []string{"a/x.index.json", "a/1", "b"}},
		},
		"Order": {
			reason: "By priority and name; an index after what has no priority either.",
			listing: []bucket.Object{
				{Key: "a", Size: 1}, {Key: "unet/model_index.json", Size: 1}, {Key: "vae/x", Size: 1}, {Key: "checkpoints/z", Size: 1},
			},
			room:  100,
			first: []string{"vae/x", "checkpoints/z", "not/there"},
			want:  summary{Copies: []string{"vae/x", "checkpoints/z", "a", "unet/model_index.json"}},
		},
		"NoRoom": {
			reason:  "What comes first has the room; what is smaller may still fit.",
			listing: []bucket.Object{{Key: "a", Size: 60}, {Key: "b", Size: 60}, {Key: "c", Size: 30}},
			room:    100,
			want:    summary{Copies: []string{"a", "c"}, Skipped: []string{"b"}},
		},
		"FirstHasRoom": {
			reason: "Where there is not room for all, it goes to what comes first, in that order and with its index; a name that only begins alike is another.",
			listing: []bucket.Object{
				{Key: "a", Size: 50}, {Key: "unet/model_index.json", Size: 10}, {Key: "unet/part", Size: 40}, {Key: "unet/part-2", Size: 40}, {Key: "vae/x", Size: 45},
			},
			room:  100,
			first: []string{"unet/part", "unet/model_index.json", "vae/x"},
			want:  summary{Copies: []string{"unet/part", "unet/model_index.json", "vae/x"}, Skipped: []string{"a", "unet/part-2"}},
		},
		"Less": {
			reason:  "Less than nothing is no room either.",
			listing: []bucket.Object{{Key: "a", Size: 1}},
			room:    -5,
			want:    summary{Skipped: []string{"a"}},
		},
		"OlderStays": {
			reason:  "A file that does not fit beside its older version is skipped; the older one is not deleted.",
			listing: []bucket.Object{{Key: "a", ETag: "2", Size: 60}},
			here:    map[string]file{"a": has(60, "1")},
			room:    50,
			want:    summary{Skipped: []string{"a"}},
		},
		"Links": {
			reason:  "A file of the size may hold the bytes. A link needs no room.",
			listing: []bucket.Object{{Key: "new", ETag: "2", Size: mib}, {Key: "small", ETag: "3", Size: 5}},
			here:    map[string]file{"old": has(mib, "1"), "older": has(mib, "1"), "tiny": has(5, "4")},
			room:    10,
			want: summary{
				Copies: []string{"small"}, Skipped: []string{"new"}, Deletes: []string{"old", "older", "tiny"},
				Links: map[string][]string{"new": {"old", "older"}},
			},
		},
		"Refused": {
			reason:  "A key that cannot be a file is named. What stands there under a name that is a folder now goes.",
			listing: []bucket.Object{{Key: "../x", Size: 1}, {Key: "a", Size: 1}, {Key: "a/b", Size: 1}, {Key: "f/", Size: 0}},
			here:    map[string]file{"a": has(1)},
			room:    100,
			want: summary{
				Copies: []string{"a/b"}, Deletes: []string{"a"},
				Refused: []key.Refusal{{Key: "../x", Reason: `has the segment ".."`}, {Key: "a", Reason: `is also the folder of "a/b"`}},
			},
		},
		"Unreadable": {
			reason:     "What cannot be read is named, and what there is of it stays.",
			listing:    []bucket.Object{{Key: "a", ETag: "2", Size: 5}, {Key: "b", ETag: "1", Size: 5}},
			here:       map[string]file{"a": has(5, "1"), "b": has(5, "1")},
			unreadable: []key.Refusal{{Key: "a", Reason: "archived"}, {Key: "b", Reason: "archived"}},
			room:       100,
			want:       summary{Current: []string{"b"}, Refused: []key.Refusal{{Key: "a", Reason: "archived"}}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := summaryOf(newPlan(tc.listing, local{files: tc.here}, terms{room: tc.room, linkFrom: mib, unreadable: tc.unreadable, first: tc.first}))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nnewPlan(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	whole := identity{modified: 7, size: 5, tags: []string{"one-2", "two"}}
	entry := disk.Entry{Kind: disk.Regular, Size: 5, Modified: 7, Tag: whole.text()}

	cases := map[string]struct {
		reason string
		change func(*disk.Entry)
		want   bool
	}{
		"Whole":   {reason: "It is read as it was written.", change: func(*disk.Entry) {}, want: true},
		"Written": {reason: "Somebody wrote to the file.", change: func(e *disk.Entry) { e.Modified++ }},
		"Cut":     {reason: "Or cut it.", change: func(e *disk.Entry) { e.Size-- }},
		"Lost":    {reason: "The tag is lost.", change: func(e *disk.Entry) { e.Tag = "" }},
		"Half":    {reason: "Or torn.", change: func(e *disk.Entry) { e.Tag = e.Tag[:len(e.Tag)/2] }},
		"Other":   {reason: "Or another program's.", change: func(e *disk.Entry) { e.Tag = "2" + e.Tag[1:] }},
		"Link":    {reason: "It is no file.", change: func(e *disk.Entry) { e.Kind = disk.Other }},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := entry
			tc.change(&e)

			got, ok := identityOf(e)
			if ok != tc.want {
				t.Errorf("%s\nidentityOf(): want %t, got %t", tc.reason, tc.want, ok)
			}

			if ok && got.text() != whole.text() {
				t.Errorf("%s\nidentityOf(): want %q, got %q", tc.reason, whole.text(), got.text())
			}
		})
	}
}
