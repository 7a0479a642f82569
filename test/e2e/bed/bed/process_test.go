package bed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/leash"
	"github.com/comfyui-studio/comfyui-studio/test/e2e/bed/toy"
)

// parentEnv makes the test binary start a bed and wait to be killed.
const parentEnv = "BED_TEST_PARENT"

func TestMain(m *testing.M) {
	role := m.Run

	switch {
	case toy.Asked(os.Args):
		role = func() int { return fail(toy.Main(os.Args)) }
	case os.Getenv(parentEnv) != "":
		role = func() int { return fail(parent()) }
	}

	os.Exit(role())
}

// TestTwoBeds starts two beds at once: they do not meet, and one's end leaves
// the other alone. Then one is started anew in the same directory.
func TestTwoBeds(t *testing.T) {
	o, err := toyOptions()
	if err != nil {
		t.Fatal(err)
	}

	o.Dir = t.TempDir()

	type started struct {
		bed *Bed
		err error
	}

	first := make(chan started, 1)

	go func() {
		b, err := Start(t.Context(), o)
		first <- started{b, err}
	}()

	second := start(t, func(o *Options) {
		// Without a proxy and with the function in this process.
		o.Record, o.Function = false, toy.Function{}
	})

	f := <-first
	if f.err != nil {
		t.Fatal(f.err)
	}

	makeToy(t, f.bed, "ball", "red")

	if err := second.Await(t.Context(), toyKind(), "default", "ball", 0, Gone); err != nil {
		t.Errorf("Await(Gone): the other bed has the toy, too: %v", err)
	}

	groups := f.bed.Groups()
	if err := f.bed.Stop(); err != nil {
		t.Error(err)
	}

	awaitGone(t, groups)
	makeToy(t, second, "kite", "blue")

	if err := os.RemoveAll(o.Dir); err != nil {
		t.Fatal(err)
	}

	again := start(t, func(o *Options) { o.Dir = f.bed.Dir() })
	makeToy(t, again, "ball", "green")
}

// parent starts a bed, prints the process groups and waits.
func parent() error {
	o, err := toyOptions()
	if err != nil {
		return err
	}

	o.Dir = os.Getenv(parentEnv)

	b, err := Start(context.Background(), o)
	if err != nil {
		return err
	}

	for name, group := range b.Groups() {
		fmt.Println(name, group)
	}

	fmt.Println("end")
	time.Sleep(10 * time.Minute)

	return nil
}

func fail(err error) int {
	if err != nil {
		fmt.Println(err)
		return 1
	}

	return 0
}

func TestParentKilled(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	// The child cannot remove its own.
	cmd.Env = append(os.Environ(), parentEnv+"="+t.TempDir())

	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}

	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	groups := map[string]int{}

	for s := bufio.NewScanner(out); s.Scan() && s.Text() != "end"; {
		name, group, _ := strings.Cut(s.Text(), " ")

		if groups[name], err = strconv.Atoi(group); err != nil {
			t.Fatalf("the parent says %q", s.Text())
		}
	}

	if len(groups) != 3 {
		t.Errorf("Groups(): want cluster, core and function, got %v", groups)
	}

	for name, group := range groups {
		if alive, err := leash.Alive(group); err != nil || !alive {
			t.Errorf("Alive(%s): before the kill got %v, %v", name, alive, err)
		}
	}

	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}

	_ = cmd.Wait()

	awaitGone(t, groups)
}

func awaitGone(t *testing.T, groups map[string]int) {
	t.Helper()

	err := poll(t.Context(), 5*time.Second, 50*time.Millisecond, func(context.Context) error {
		errs := []error{}

		for name, group := range groups {
			alive, err := leash.Alive(group)
			if alive {
				err = fmt.Errorf("%s is still alive", name)
			}

			errs = append(errs, err)
		}

		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
}
