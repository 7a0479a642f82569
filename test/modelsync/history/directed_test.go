package history_test

import (
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/faults"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/fleet"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/history"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const bucket = "models"

// never is an interval that no test waits for.
const never = time.Hour

// world makes a world with one node that looks only when it is told to.
func world(t *testing.T, pageSize int) (*history.World, *fleet.Node) {
	t.Helper()

	w, err := history.NewWorld(never, pageSize)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(w.Close)

	n, err := w.Join()
	if err != nil {
		t.Fatal(err)
	}

	settle(t, w)

	return w, n
}

func settle(t *testing.T, w *history.World) {
	t.Helper()

	if wrong := w.Settle(); wrong != "" {
		t.Fatalf("after a quiet period:\n%s", wrong)
	}
}

// TestDirected are cases that chance may miss. Each of them is one that some tool
// for the same purpose gets wrong.
func TestDirected(t *testing.T) {
	cases := map[string]struct {
		reason   string
		pageSize int
		do       func(t *testing.T, w *history.World, n *fleet.Node)
	}{
		"SameSizeSameSecond": {
			reason: "Two puts of one size within one second are two changes.",
			do: func(t *testing.T, w *history.World, _ *fleet.Node) {
				w.Store.Put(bucket, "a", w.Fresh(1000))
				settle(t, w)
				w.Store.Put(bucket, "a", w.Fresh(1000))
				settle(t, w)
			},
		},
		"OlderTime": {
			reason: "A version may have an older time than the one that was copied: clocks jump.",
			do: func(t *testing.T, w *history.World, _ *fleet.Node) {
				w.Store.Put(bucket, "a", w.Fresh(1000))
				settle(t, w)
				w.Tick(-24 * time.Hour)
				w.Store.Put(bucket, "a", w.Fresh(1000))
				settle(t, w)
			},
		},
		"ReplacedInMidDownload": {
			reason: "Ranges of two versions are no file, whether or not a checksum would tell.",
			do: func(t *testing.T, w *history.World, n *fleet.Node) {
				w.Ambush("big", 3, func() { w.Store.PutUnchecked(bucket, "big", w.Fresh(2<<20)) })
				w.Store.PutUnchecked(bucket, "big", w.Fresh(2<<20))
				look(t, n)
				settle(t, w)
			},
		},
		"ReplacedWithOtherSizeInMidDownload": {
			reason: "The same, with a shorter one.",
			do: func(t *testing.T, w *history.World, n *fleet.Node) {
				w.Ambush("big", 3, func() { w.Store.PutUnchecked(bucket, "big", w.Fresh(100)) })
				w.Store.PutUnchecked(bucket, "big", w.Fresh(2<<20))
				look(t, n)
				settle(t, w)
			},
		},
		"DeletedInMidDownload": {
			reason: "What is gone before it is whole never appears.",
			do: func(t *testing.T, w *history.World, n *fleet.Node) {
				w.Ambush("big", 3, func() { w.Store.Delete(bucket, "big") })
				w.Store.Put(bucket, "big", w.Fresh(2<<20))
				look(t, n)
				settle(t, w)
			},
		},
		"RenamedBetweenPages": {
			reason:   "A listing whose pages are of two moments can miss both names.",
			pageSize: 2,
			do: func(t *testing.T, w *history.World, n *fleet.Node) {
				for _, k := range []string{"b", "c", "d", "e"} {
					w.Store.Put(bucket, k, w.Fresh(100))
				}

				settle(t, w)
				// From behind the page that was read to before it: neither is listed.
				w.BetweenPages(func() { w.Store.Copy(bucket, "e", "a"); w.Store.Delete(bucket, "e") })
				look(t, n)
				settle(t, w)
			},
		},
		"BackBetweenListingAndDelete": {
			reason: "What was not listed and is there again is not deleted.",
			do: func(t *testing.T, w *history.World, n *fleet.Node) {
				w.Store.Put(bucket, "a", w.Fresh(100))
				settle(t, w)

				again := w.Fresh(100)

				w.Store.Delete(bucket, "a")
				w.BetweenPages(func() { w.Store.Put(bucket, "a", again) })
				look(t, n)

				if d := fleet.Compare(n.Tree, fleet.Expect(w.Store.Objects(bucket))); len(d) == 1 && d[0] == `"a" is not there` {
					t.Error("the file was deleted though its object is there")
				}

				settle(t, w)
			},
		},
		"SecondPageFails": {
			reason:   "Half a listing deletes nothing.",
			pageSize: 2,
			do: func(t *testing.T, w *history.World, n *fleet.Node) {
				for _, k := range []string{"a", "b", "c", "d", "e"} {
					w.Store.Put(bucket, k, w.Fresh(100))
				}

				settle(t, w)
				w.Faults.Set(faults.Plan{Seed: 1, Pages: []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30}})
				look(t, n)
				settle(t, w)
			},
		},
		"MarkersOfOurs": {
			reason: "Names that we use ourselves are keys like any other.",
			do: func(t *testing.T, w *history.World, _ *fleet.Node) {
				for _, k := range []string{".ready", ".status.json", ".staging/x", "x.tmp", "models/.ready"} {
					w.Store.Put(bucket, k, w.Fresh(100))
				}

				settle(t, w)
			},
		},
		"FileAndFolder": {
			reason: "A file becomes a folder and a file again.",
			do: func(t *testing.T, w *history.World, _ *fleet.Node) {
				w.Store.Put(bucket, "loras/x", w.Fresh(100))
				settle(t, w)
				w.Store.Put(bucket, "loras/x/y", w.Fresh(100))
				settle(t, w)
				w.Store.Delete(bucket, "loras/x/y")
				settle(t, w)
				w.Store.Delete(bucket, "loras/x")
				settle(t, w)
			},
		},
		"Climbing": {
			reason: "A key that climbs neither leaves the directory nor hides another.",
			do: func(t *testing.T, w *history.World, _ *fleet.Node) {
				w.Store.Put(bucket, "b", w.Fresh(100))
				w.Store.Put(bucket, "a/../b", w.Fresh(200))
				w.Store.Put(bucket, "models/../../../escaped", w.Fresh(100))
				w.Store.Put(bucket, "c//d", w.Fresh(100))
				w.Store.Put(bucket, "bell\a", w.Fresh(100))
				settle(t, w)
			},
		},
		"Flipped": {
			reason: "A wrong byte on the way never gets a name.",
			do: func(t *testing.T, w *history.World, n *fleet.Node) {
				w.Store.Put(bucket, "big", w.Fresh(2<<20))
				w.Store.Put(bucket, "small", w.Fresh(2000))
				w.Faults.Set(faults.Plan{Seed: 1, Rate: 1, Kinds: []faults.Kind{faults.Flip}})
				look(t, n)
				settle(t, w)
			},
		},
		"Archived": {
			reason: "What cannot be read stops nothing else, and comes when it is back.",
			do: func(t *testing.T, w *history.World, n *fleet.Node) {
				w.Store.Put(bucket, "cold", w.Fresh(100))
				w.Store.Archive(bucket, "cold")
				w.Store.Put(bucket, "warm", w.Fresh(100))
				look(t, n)

				if d := fleet.Compare(n.Tree, fleet.Expect(w.Store.Objects(bucket))); len(d) != 1 || d[0] != `"cold" is not there` {
					t.Errorf("all but the archived one is there: %v", d)
				}

				if r := n.Status().Refused; len(r) != 1 || r[0].Key != "cold" {
					t.Errorf("the archived one is named: %v", r)
				}

				w.Store.Put(bucket, "cold", w.Fresh(100))
				settle(t, w)
			},
		},
		"Full": {
			reason: "What does not fit is named, the rest is there, and deletes make room.",
			do: func(t *testing.T, w *history.World, n *fleet.Node) {
				n.Disk.Shrink(1 << 20)
				w.Store.Put(bucket, "a", w.Fresh(600<<10))
				w.Store.Put(bucket, "b", w.Fresh(600<<10))
				look(t, n)

				if s := n.Status(); s.SkippedCount != 1 || s.Skipped[0].Key != "b" {
					t.Errorf("one is skipped for want of space: %+v", s.Skipped)
				}

				settle(t, w)
			},
		},
		"Expired": {
			reason: "What a life-cycle rule deletes goes like anything else.",
			do: func(t *testing.T, w *history.World, _ *fleet.Node) {
				w.Store.Put(bucket, "a", w.Fresh(100))
				settle(t, w)
				w.Store.Expire(bucket, "a")
				settle(t, w)
			},
		},
		"DeniedIsNotGone": {
			reason:   "Who may not see an object does not know that it is gone.",
			pageSize: 2,
			do: func(t *testing.T, w *history.World, n *fleet.Node) {
				for _, k := range []string{"a", "b", "c"} {
					w.Store.Put(bucket, k, w.Fresh(100))
				}

				settle(t, w)

				// The object is gone, and the right to list goes with the listing's end:
				// from then on a HEAD of it says 403.
				w.Store.Delete(bucket, "c")
				w.BetweenPages(func() { w.Store.Unlist(bucket, true) })
				look(t, n)

				settle(t, w)
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Log(tc.reason)

			w, n := world(t, tc.pageSize)
			tc.do(t, w, n)

			if v := w.Violations(); v != "" {
				t.Errorf("%s\nreaders saw:\n%s", tc.reason, v)
			}
		})
	}
}

// look makes one pass, whatever becomes of it.
func look(t *testing.T, n *fleet.Node) {
	t.Helper()

	_ = n.Settle(t.Context(), 1, func() []*store.Object { return nil })
}
