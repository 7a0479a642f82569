package door

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/comfyui-studio/comfyui-studio/gateway/header"
	"github.com/comfyui-studio/comfyui-studio/gateway/page"
	"github.com/comfyui-studio/comfyui-studio/gateway/wake"
)

// A Waker starts servers and tells how far they have come.
type Waker interface {
	// Wake asks for a server. It returns at once, and may be asked again.
	Wake(pool, why string)
	// Rest is how long it usually takes from now until there is one.
	Rest(pool string) time.Duration
	// Present says that somebody is at work.
	Present(pool, who string)
	// Progress is how far a server has come.
	Progress(pool string) wake.Progress
}

// asleep answers where no server is awake. Somebody who opens a page wakes one; what
// pages ask for by themselves, again and again, does not, whether or not anybody
// looks at them.
func (d *Door) asleep(w http.ResponseWriter, r *http.Request, who caller, pool string) {
	if !who.Program && header.Navigation(r) {
		d.Waker.Wake(pool, "somebody opened the studio")
		d.waking(w, pool)

		return
	}

	d.wait(w, r, pool)
}

// waking shows how far a pool has come.
func (d *Door) waking(w http.ResponseWriter, pool string) {
	page.Waking(w, page.WakingData{Studio: d.Config().Studio, Pool: pool})
}

// wait says when to come again.
func (d *Door) wait(w http.ResponseWriter, r *http.Request, pool string) {
	d.later(w, pool)
	refuse(w, r, http.StatusServiceUnavailable, "No server of the pool "+pool+" is awake.")
}

// woken says the same of a prompt that woke the pool, to people too: their page shows
// it, and stays as it is.
func (d *Door) woken(w http.ResponseWriter, r *http.Request, pool string) {
	minutes := int(math.Ceil(d.later(w, pool).Minutes()))
	refuse(w, r, http.StatusServiceUnavailable, fmt.Sprintf("The pool %s was asleep and wakes up now, in about %d min. The prompt was not queued. Run it again when a server is there.", pool, minutes))
}

// later is how long it takes until there is a server.
func (d *Door) later(w http.ResponseWriter, pool string) time.Duration {
	rest := max(d.Waker.Rest(pool), 5*time.Second)
	w.Header().Set("Retry-After", strconv.Itoa(int(rest/time.Second)))
	w.Header().Set("X-Studio-Asleep", pool)

	return rest
}

// loaded is how ComfyUI says how much there is to do.
type loaded struct {
	Info struct {
		Remaining int `json:"queue_remaining"`
	} `json:"exec_info"`
}

func loadOf(n int) (out loaded) {
	out.Info.Remaining = n
	return out
}

// load answers how much there is to do. A tab whose studio sleeps asks every
// second, and stays calm when it is told the truth: nothing.
func (d *Door) load(w http.ResponseWriter, r *http.Request, who caller) {
	s, _, ok := d.server(r, who)
	if !ok {
		w.Header().Set("X-Studio-Asleep", "true")
		say(w, http.StatusOK, loadOf(0))

		return
	}

	if who.Program {
		total := 0
		for _, s := range d.Table.All("") {
			total += s.Queue
		}

		say(w, http.StatusOK, loadOf(total))

		return
	}

	d.send(w, r, target{server: s})
}
