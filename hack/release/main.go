// Command release rehearses a release on this machine: it publishes the packages that
// make xpkg wrote with the Crossplane CLI, in a registry on loopback, pulls them
// back and looks at every layer, signs them with a key of its own, and checks
// signatures and attestations. Then it tries what must fail: a key that did not
// sign, and a package that nobody signed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/google/go-containerregistry/pkg/registry"
)

type flags struct {
	Packages   string `default:"_output/xpkg" help:"Folder of the packages, as make xpkg writes it." type:"existingdir"`
	Crossplane string `default:"_output/bin/crossplane" help:"The Crossplane CLI." type:"existingfile"`
	Cosign     string `default:"_output/bin/cosign" help:"Cosign." type:"existingfile"`
}

func main() {
	f := flags{}
	kong.Parse(&f, kong.Description("Rehearses a release."))

	if err := f.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func (f *flags) run(ctx context.Context) error {
	h := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	defer h.Close()

	host := strings.TrimPrefix(h.URL, "http://")

	if err := script(ctx, "push.sh", f.Crossplane, f.Packages, host); err != nil {
		return err
	}

	if err := pulled(ctx, f.Packages, host); err != nil {
		return err
	}

	keys, err := os.MkdirTemp("", "release")
	if err != nil {
		return fmt.Errorf("cannot make room for keys: %w", err)
	}
	defer os.RemoveAll(keys)

	for _, name := range []string{"ours", "another"} {
		if err := f.key(ctx, filepath.Join(keys, name)); err != nil {
			return err
		}
	}

	verify := func(key string) error {
		return script(ctx, "verify.sh", f.Cosign, f.Packages, host, filepath.Join(keys, key+".pub"))
	}

	// Not yet.
	if err := mustFail(verify("ours"), "no signatures found"); err != nil {
		return fmt.Errorf("a package that nobody signed: %w", err)
	}

	if err := script(ctx, "sign.sh", f.Cosign, f.Packages, host, filepath.Join(keys, "ours.key")); err != nil {
		return err
	}

	if err := verify("ours"); err != nil {
		return err
	}

	if err := mustFail(verify("another"), "signature"); err != nil {
		return fmt.Errorf("a key that did not sign: %w", err)
	}

	fmt.Println("the release is as it should be")

	return nil
}

// key makes a pair of keys without a password.
func (f *flags) key(ctx context.Context, prefix string) error {
	cosign, err := filepath.Abs(f.Cosign)
	if err != nil {
		return fmt.Errorf("cannot find cosign: %w", err)
	}

	return command(ctx, cosign, "generate-key-pair", "--output-key-prefix", prefix)
}

// script runs one of the scripts beside this program, as make does.
func script(ctx context.Context, name string, args ...string) error {
	return command(ctx, filepath.Join("hack", "release", name), args...)
}

func command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "COSIGN_PASSWORD=")
	cmd.Stdout = os.Stdout

	said := &strings.Builder{}
	cmd.Stderr = said

	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, said)
	}

	return nil
}

// mustFail holds that something failed for a reason.
func mustFail(err error, reason string) error {
	if err == nil {
		return errors.New("it counts as good, and must not")
	}

	if !strings.Contains(err.Error(), reason) {
		return fmt.Errorf("it must be refused for want of signatures: %w", err)
	}

	return nil
}
