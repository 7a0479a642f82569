package history_test

import (
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/faults"
)

const bucket = "models"

// TestDirected are cases that chance may miss. Each of them is one that some tool
// for the same purpose gets wrong.
func TestDirected(t *testing.T) {
	cases := map[string]struct {
		reason   string
		pageSize int
		do       func(c scene)
	}{
		"SameSizeSameSecond": {
			reason: "Two puts of one size within one second are two changes.",
			do: func(c scene) {
				c.put("a", 1000)
				c.settle()
				c.put("a", 1000)
				c.settle()
			},
		},
		"OlderTime": {
			reason: "A version may have an older time than the one that was copied: clocks jump.",
			do: func(c scene) {
				c.put("a", 1000)
				c.settle()
				c.w.Tick(-24 * time.Hour)
				c.put("a", 1000)
				c.settle()
			},
		},
		"ReplacedInMidDownload": {
			reason: "Ranges of two versions are no file, whether or not a checksum would tell.",
			do: func(c scene) {
				c.w.Ambush("big", 3, func() { c.w.Store.PutUnchecked(bucket, "big", c.w.Fresh(2<<20)) })
				c.w.Store.PutUnchecked(bucket, "big", c.w.Fresh(2<<20))
				c.look()
				c.settle()
			},
		},
		"ReplacedWithOtherSizeInMidDownload": {
			reason: "The same, with a shorter one.",
			do: func(c scene) {
				c.w.Ambush("big", 3, func() { c.w.Store.PutUnchecked(bucket, "big", c.w.Fresh(100)) })
				c.w.Store.PutUnchecked(bucket, "big", c.w.Fresh(2<<20))
				c.look()
				c.settle()
			},
		},
		"DeletedInMidDownload": {
			reason: "What is gone before it is whole never appears.",
			do: func(c scene) {
				c.w.Ambush("big", 3, func() { c.w.Store.Delete(bucket, "big") })
				c.put("big", 2<<20)
				c.look()
				c.settle()
			},
		},
		"RenamedBetweenPages": {
			reason:   "A listing whose pages are of two moments can miss both names.",
			pageSize: 2,
			do: func(c scene) {
				for _, k := range []string{"b", "c", "d", "e"} {
					c.put(k, 100)
				}

				c.settle()
				// From behind the page that was read to before it: neither is listed.
				c.w.BetweenPages(func() { c.w.Store.Copy(bucket, "e", "a"); c.w.Store.Delete(bucket, "e") })
				c.look()
				c.settle()
			},
		},
		"BackBetweenListingAndDelete": {
			reason: "What was not listed and is there again is not deleted.",
			do: func(c scene) {
				c.put("a", 100)
				c.settle()

				again := c.w.Fresh(100)

				c.w.Store.Delete(bucket, "a")
				c.w.BetweenPages(func() { c.w.Store.Put(bucket, "a", again) })
				c.look()

				c.kept("a")
				c.settle()
			},
		},
		"SecondPageFails": {
			reason:   "Half a listing deletes nothing.",
			pageSize: 2,
			do: func(c scene) {
				for _, k := range []string{"a", "b", "c", "d", "e"} {
					c.put(k, 100)
				}

				c.settle()
				c.w.Faults.Set(faults.Plan{Later: true})
				c.look()

				if s := c.n.Status(); s.Complete || s.LastError == "" {
					c.t.Errorf("a pass with half a listing is told as complete: %+v", s)
				}

				c.settle()
			},
		},
		"MarkersOfOurs": {
			reason: "Names that we use ourselves are keys like any other.",
			do: func(c scene) {
				for _, k := range []string{".ready", ".status.json", ".staging/x", "x.tmp", "models/.ready"} {
					c.put(k, 100)
				}

				c.settle()
			},
		},
		"FileAndFolder": {
			reason: "A file becomes a folder and a file again.",
			do: func(c scene) {
				c.put("loras/x", 100)
				c.settle()
				c.put("loras/x/y", 100)
				c.settle()
				c.w.Store.Delete(bucket, "loras/x/y")
				c.settle()
				c.w.Store.Delete(bucket, "loras/x")
				c.settle()
			},
		},
		"Climbing": {
			reason: "A key that climbs neither leaves the directory nor hides another.",
			do: func(c scene) {
				c.put("b", 100)
				c.put("a/../b", 200)
				c.put("models/../../../escaped", 100)
				c.put("c//d", 100)
				c.put("bell\a", 100)
				c.settle()
			},
		},
		"DeleteBesideControlCharacter": {
			reason: "A key that XML cannot say stops nothing else, wherever a listing begins.",
			do: func(c scene) {
				c.put("\aa", 100)
				c.put("b", 100)
				c.settle()
				c.w.Store.Delete(bucket, "b")
				c.settle()
			},
		},
		"Flipped": {
			reason: "A wrong byte on the way never gets a name.",
			do: func(c scene) {
				c.put("big", 2<<20)
				c.put("small", 2000)
				c.w.Faults.Set(faults.Plan{Seed: 1, Rate: 1, Kinds: []faults.Kind{faults.Flip}})
				c.look()
				c.settle()
			},
		},
		"Archived": {
			reason: "What cannot be read stops nothing else, and comes when it is back.",
			do: func(c scene) {
				c.put("cold", 100)
				c.w.Store.Archive(bucket, "cold")
				c.put("warm", 100)
				c.look()

				if d := c.differences(c.n); len(d) != 1 || d[0] != `"cold" is not there` {
					c.t.Errorf("all but the archived one is there: %v", d)
				}

				if r := c.n.Status().Refused; len(r) != 1 || r[0].Key != "cold" {
					c.t.Errorf("the archived one is named: %v", r)
				}

				c.put("cold", 100)
				c.settle()
			},
		},
		"Full": {
			reason: "What does not fit is named, the rest is there, and deletes make room.",
			do: func(c scene) {
				c.n.Disk.Shrink(1 << 20)
				c.put("a", 600<<10)
				c.put("b", 600<<10)
				c.look()

				if s := c.n.Status(); s.SkippedCount != 1 || s.Skipped[0].Key != "b" {
					c.t.Errorf("one is skipped for want of space: %+v", s.Skipped)
				}

				c.settle()
			},
		},
		"DeclaredFirst": {
			reason: "Where there is not room for all, what is declared has it, in its order, and the rest is named; what is there stays.",
			do: func(c scene) {
				c.n.Disk.Shrink(1 << 20)
				c.put("a", 500<<10)
				c.put("b", 600<<10)
				c.put("c", 100<<10)
				c.put("z", 300<<10)
				c.w.Declare("z", "b", "not/there", "a")
				c.look()
				c.named("a")

				c.w.Declare("a")
				c.look()
				c.named("a")

				c.settle()
			},
		},
		"Expired": {
			reason: "What a life-cycle rule deletes goes like anything else.",
			do: func(c scene) {
				c.put("a", 100)
				c.settle()
				c.w.Store.Expire(bucket, "a")
				c.settle()
			},
		},
		"DeniedIsNotGone": {
			reason: "Who may not see an object does not know that it is gone.",
			do: func(c scene) {
				c.put("a", 100)
				c.put("b", 100)
				c.settle()

				again := c.w.Fresh(100)

				// The listing lacks it, it is back by the time of the HEAD, and that is
				// refused.
				c.w.Store.Delete(bucket, "b")
				c.w.BetweenPages(func() {
					c.w.Store.Put(bucket, "b", again)
					c.w.Store.Forbid(bucket, "b")
				})
				c.look()

				c.kept("b")
				c.settle()
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Log(tc.reason)

			c := newScene(t, tc.pageSize)
			tc.do(c)

			if v := c.w.Violations(); v != "" {
				t.Errorf("%s\nreaders saw:\n%s", tc.reason, v)
			}
		})
	}
}
