// Package browser opens the studio in a real browser, with ComfyUI's own frontend
// behind the front door: what a person sees, and what their tab does by itself.
package browser

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/secrets"
)

const (
	steps = 5
	graph = `{"1":{"class_type":"EmptyImage","inputs":{"width":64,"height":64,"batch_size":1,"color":3900123}},
		"2":{"class_type":"SlowTick","inputs":{"image":["1",0],"steps":5,"delay":0}},
		"3":{"class_type":"SaveImage","inputs":{"images":["2",0],"filename_prefix":"tokyo"}}}`

	// live is the frontend, drawn and with its nodes known.
	live = `window.comfyAPI?.app?.app?.vueAppReady && document.querySelector('[data-testid="queue-button"]')`
	// press is Run.
	press chromedp.CSS = `[data-testid="queue-button"]`
)

// frontend is where `make test-browser` puts ComfyUI's frontend.
func frontend(t *testing.T) string {
	t.Helper()

	dir := os.Getenv("FRONTEND")
	if dir == "" {
		t.Skip("FRONTEND names no built frontend of ComfyUI: make test-browser fetches one")
	}

	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		t.Fatal(err)
	}

	return dir
}

// TestStudio is a day of somebody who works in the studio, from a login to the
// logout. Each step begins where the one before has ended.
func TestStudio(t *testing.T) {
	s := newStudio(t, frontend(t))
	s.open()
	s.open()

	p := newTab(t)
	day := []struct {
		name string
		step func(s *studio, p *tab)
	}{
		{"WrongPassword", wrongPassword},
		{"Waking", waking},
		{"Progress", progress},
		{"Restart", restart},
		{"Parked", parked},
		{"Logout", logout},
	}

	for _, d := range day {
		began := time.Now()
		if !t.Run(d.name, func(t *testing.T) { d.step(s, &tab{t, p.ctx}) }) {
			return
		}

		t.Logf("%s took %s", d.name, time.Since(began).Round(time.Millisecond))
	}
}

func wrongPassword(s *studio, p *tab) {
	p.do(chromedp.Navigate(s.url + "/"))
	p.shows("where to log in", `document.querySelector("#password") && location.pathname === "/_studio/login"`)
	p.shoot("login")
	p.do(chromedp.SendKeys(chromedp.CSS("#password"), "not-the-password\r"))
	p.shows("that it was wrong", `document.querySelector("[role=alert]")?.textContent.includes("not the password")`)

	if n := s.cluster.Scales(); n != 0 {
		p.Errorf("somebody who is not logged in woke the studio %d times", n)
	}
}

// waking logs in, follows the stages of the first server, and lands in ComfyUI
// without touching anything.
func waking(s *studio, p *tab) {
	p.do(chromedp.SendKeys(chromedp.CSS("#password"), secrets.Password(seed)+"\r"))
	p.shows("that it wakes up", `document.querySelector("h1")?.textContent.includes("is waking up")`)
	p.shows("the first stage", `document.querySelector('li[data-state=now]')?.textContent.includes("node")`)

	if n := s.cluster.Scales(); n != 1 {
		p.Errorf("one visit scaled %d times", n)
	}

	comes(s, p, func() { p.shoot("waking") })
	p.shows("ComfyUI", live)

	if cookies := ask[string](p, "document.cookie"); cookies != "" {
		p.Errorf("scripts of the page see cookies: %s", cookies)
	}
}

// comes has the server that is ordered go through all stages.
func comes(s *studio, p *tab, models func()) {
	name, _ := s.cluster.Server()
	now := metav1.Now

	s.cluster.Change(name, func(status *corev1.PodStatus) {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: now()})
	})
	p.shows("the image", `document.querySelector('li[data-state=now]')?.textContent.includes("image")`)
	s.cluster.Change(name, func(status *corev1.PodStatus) {
		status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "models", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now()}}}}
	})
	p.shows("the models", `document.querySelector('li[data-state=now]')?.textContent.includes("Models")`)
	models()

	if ask[bool](p, `document.querySelector("#wake").checkVisibility()`) {
		p.Error("a button to try again is shown while all goes well")
	}

	ready(s, name)
}

func ready(s *studio, name string) {
	s.cluster.Change(name, func(status *corev1.PodStatus) {
		at := metav1.Now()
		status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "models", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: at, FinishedAt: at}}}}
		status.Conditions = []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: at},
			{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: at},
		}
	})
}

// listens has the page write down what its socket tells.
const listens = `(() => {
	window.heard = [];
	for (const kind of ["progress", "execution_success", "reconnecting", "reconnected"])
		window.comfyAPI.api.api.addEventListener(kind, (e) => window.heard.push(kind + (kind === "progress" ? " " + e.detail.value : "")));
})()`

// progress runs a workflow with the page's own button, and sees how far it is
// while it is there.
func progress(s *studio, p *tab) {
	_, server := s.cluster.Server()
	server.HoldAt(steps - 2)

	ask[chromedp.Void](p, listens)
	ask[chromedp.Void](p, "window.comfyAPI.app.app.loadApiJson("+graph+", 'tokyo').then(() => true)")
	p.do(chromedp.Click(press))
	p.shows("how far it is", `window.heard.includes("progress 3")`)
	p.shows("it in the title", `document.title.includes("60%")`)

	if ask[bool](p, `window.heard.includes("execution_success")`) {
		p.Error("it is said to be done while it runs")
	}

	p.shoot("progress")
	server.Release()
	p.shows("that it is done", `window.heard.includes("execution_success")`)
}

// restart replaces both front doors under the open page.
func restart(s *studio, p *tab) {
	s.restart()
	p.shows("its socket again", `window.heard.includes("reconnected")`)
	s.joined()

	// The first page's socket works: a new run is heard of.
	ask[chromedp.Void](p, `window.heard.length = 0`)
	ask[chromedp.Void](p, `window.comfyAPI.app.app.loadApiJson(`+graph+`, 'again').then(() => true)`)
	p.do(chromedp.Click(press))
	p.shows("that it is done", `window.heard.includes("execution_success")`)

	p.do(chromedp.Navigate(s.url + "/"))
	p.shows("ComfyUI, and no login", live)
}

// parked puts the studio to sleep under the open page, which knocks and wakes
// nothing, and is woken by Run.
func parked(s *studio, p *tab) {
	ask[chromedp.Void](p, listens)
	ask[chromedp.Void](p, "window.comfyAPI.app.app.loadApiJson("+graph+", 'tokyo').then(() => true)")

	// What a page that opens asks for last: it is not to fail for falling asleep.
	p.shows("itself whole", `performance.getEntriesByType("resource").some((e) => e.name.includes("sorted-custom-node-map") && e.responseEnd)`)

	before := s.cluster.Scales()

	s.cluster.Stop()
	// Its socket is held by a front door, and it believes to be connected.
	p.shows("a connection", `window.heard.includes("reconnecting") && window.heard.includes("reconnected")`)

	if n := s.cluster.Scales(); n != before {
		p.Errorf("a tab that was left open woke the studio %d times", n-before)
	}

	ask[chromedp.Void](p, `window.heard.length = 0`)
	p.do(chromedp.Click(press))
	p.shows("that it wakes up", `document.body.textContent.includes("was asleep and wakes up now")`)
	// It slides in.
	p.do(chromedp.Sleep(time.Second))
	p.shoot("asleep")

	if n := s.cluster.Scales(); n != before+1 {
		p.Errorf("Run scaled %d times", n-before)
	}

	name, _ := s.cluster.Server()
	ready(s, name)
	s.joined()
	p.do(chromedp.KeyEvent("\x1b"), chromedp.Click(press))
	p.shows("that it is done", `window.heard.includes("execution_success")`)
}

// joined waits until the page's socket is at a server: what runs before that is not
// heard of.
func (s *studio) joined() {
	for began := time.Now(); s.sockets() != 1; time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > patience {
			s.Fatalf("%d sockets are at a server", s.sockets())
		}
	}
}

// logout goes by ComfyUI's own menu entry.
func logout(s *studio, p *tab) {
	p.shows("the way out", `window.comfyAPI.app.app.extensionManager.command.commands.some((c) => c.id === "studio.logout")`)
	ask[chromedp.Void](p, `window.comfyAPI.app.app.extensionManager.command.execute("studio.logout") && true`)
	p.shows("the question", `location.pathname === "/_studio/logout" && document.querySelector("button")`)
	p.shoot("logout")
	p.do(chromedp.Click(chromedp.CSS("button")))
	p.shows("where to log in", `document.querySelector("#password")`)
	p.do(chromedp.Navigate(s.url + "/"))
	p.shows("that nobody is logged in", `document.querySelector("#password")`)

	if status := ask[int](p, `fetch("/api/queue").then((r) => r.status)`); status != http.StatusUnauthorized {
		p.Errorf("after the logout: want 401, got %d", status)
	}
}
