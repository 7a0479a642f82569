package browser

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience is for one thing that a page shows, on a machine that has other work.
const patience = time.Minute

// A tab is a page in a real browser.
type tab struct {
	*testing.T

	ctx context.Context
}

// newTab starts a browser with one page.
func newTab(t *testing.T) *tab {
	t.Helper()

	// The edge's certificate is a test's. In a container there is no sandbox.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.IgnoreCertErrors, chromedp.WindowSize(1280, 800), chromedp.Flag("lang", "en-US"),
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience))

	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(alloc)

	t.Cleanup(func() {
		// Of its own accord, so that it leaves nothing behind.
		_ = chromedp.Cancel(ctx)

		end()
		stop()
	})

	// The first action starts the browser, which ends with its context.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
		t.Fatalf("cannot start the browser: %v", err)
	}

	// A workflow that is not saved asks whether to leave it.
	if err := chromedp.Listen(ctx, func(event any) {
		if _, asks := event.(*page.EventJavascriptDialogOpening); asks {
			go func() { _ = chromedp.Do(ctx, leave) }()
		}
	}); err != nil {
		t.Fatalf("cannot listen to the browser: %v", err)
	}

	return &tab{t, ctx}
}

func leave(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
	_, err := cdp.Call(ctx, t, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
	return chromedp.Void{}, err
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()

	if _, err := bounded(p, chromedp.Steps(actions...)); err != nil {
		p.shoot("failed")
		p.Fatalf("the browser: %v", err)
	}
}

func bounded[T any](p *tab, a chromedp.Action[T]) (T, error) {
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()

	return chromedp.Run(ctx, a)
}

// shows waits until an expression is true on the page, wherever that has got to.
func (p *tab) shows(what, expression string) {
	p.Helper()

	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		is, err := bounded(p, chromedp.Evaluate[bool]("!!("+expression+")"))
		if is && err == nil {
			return
		}

		if time.Since(began) > patience {
			p.shoot("failed")

			heard, _ := bounded(p, chromedp.Evaluate[[]string]("window.heard || []"))
			p.Fatalf("the page at %q never shows %s, and has heard %q: %v", ask[string](p, "location.href"), what, heard, err)
		}
	}
}

// ask evaluates a script and waits for its promise.
func ask[T any](p *tab, script string) T {
	p.Helper()

	out, err := bounded(p, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.shoot("failed")
		p.Fatalf("a script in the browser: %v", err)
	}

	return out
}

// shoot takes a picture for the docs, where SCREENSHOTS says so, or of what failed.
func (p *tab) shoot(name string) {
	p.Helper()

	dir := os.Getenv("SCREENSHOTS")
	if name == "failed" {
		dir = os.TempDir()
	}

	if dir == "" {
		return
	}

	b, err := bounded(p, chromedp.CaptureScreenshot())
	if err != nil {
		p.Errorf("no picture of %s: %v", name, err)
		return
	}

	path := filepath.Join(dir, "front-door-"+name+".png")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		p.Error(err)
	}

	p.Logf("a picture is at %s", path)
}
