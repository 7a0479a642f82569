// Command agent makes the image studio-agent, without a container engine: our own
// programs for every platform, and the files that are taken out of it in the
// studio's account. It makes it twice, in two places, and fails where the two
// differ: whoever has the source and the same Go can check what was published.
//
// It writes the image as an OCI layout and the release's description beside it,
// which the function takes with --agent-release. With --push it publishes the
// image, and with --go it writes what the function is made with; the two belong
// together, since a function that names an image which nobody can pull makes
// studios that never get ready. So neither is part of make generate.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/alecthomas/kong"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/comfyui-studio/comfyui-studio/hack/image"
)

type flags struct {
	Lambda     string `default:"_output/lambda.zip" help:"The Lambda's zip, as make lambda makes it." type:"existingfile"`
	Out        string `default:"_output/studio-agent" help:"Directory for the image as an OCI layout."`
	Release    string `default:"_output/agent-release.yaml" help:"File for the release's description."`
	Repository string `default:"ghcr.io/comfyui-studio/studio-agent" help:"Repository that the image is published in."`
	Push       bool   `help:"Publish the image in the repository."`
	Go         string `help:"File for the release that the function is made with." name:"go"`
}

func main() {
	f := flags{}
	kong.Parse(&f, kong.Description("Makes the image studio-agent."))

	if err := f.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func (f *flags) run(ctx context.Context) error {
	lambda, err := os.ReadFile(f.Lambda)
	if err != nil {
		return fmt.Errorf("cannot read the Lambda's zip: %w", err)
	}

	index, made, err := twice(ctx, lambda)
	if err != nil {
		return err
	}

	digest, err := index.Digest()
	if err != nil {
		return fmt.Errorf("cannot name the image: %w", err)
	}

	if err := write(f.Out, index); err != nil {
		return err
	}

	r := release{
		Image: f.Repository, Digest: digest.String(),
		NodeDaemonSHA256: sum(made[nodeDaemon]), LambdaSHA256: sum(made[lambdaZip]), ModelFetcherSHA256: sum(made[modelFetcher]),
	}
	if err := f.tell(r, index, made); err != nil {
		return err
	}

	if f.Push {
		if err := push(ctx, f.Repository, index); err != nil {
			return err
		}
	}

	return r.write(f.Release, f.Go)
}

// twice makes the image in two places, from one copy of the source: it may change
// under the hands of whoever works on it.
func twice(ctx context.Context, lambda []byte) (v1.ImageIndex, artefacts, error) {
	dir, err := os.MkdirTemp("", "studio-agent")
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make room: %w", err)
	}
	defer os.RemoveAll(dir)

	one, other := filepath.Join(dir, "one"), filepath.Join(dir, "another", "place")
	if err := errors.Join(image.Copy(one, ".", sources()...), image.Copy(other, one, sources()...)); err != nil {
		return nil, nil, err
	}

	var (
		index  v1.ImageIndex
		made   artefacts
		digest v1.Hash
	)

	for _, place := range []string{other, one} {
		if index, made, err = compose(ctx, from(place), lambda); err != nil {
			return nil, nil, err
		}

		got, err := index.Digest()
		if err != nil {
			return nil, nil, fmt.Errorf("cannot name the image: %w", err)
		}

		if place == one && got != digest {
			return nil, nil, errors.New("the image is another when it is built in another place: nobody could check what was published")
		}

		digest = got
	}

	return index, made, nil
}

func write(dir string, index v1.ImageIndex) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("cannot write the image: %w", err)
	}

	p, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = p.AppendIndex(index)
	}

	if err != nil {
		return fmt.Errorf("cannot write the image: %w", err)
	}

	return nil
}

func (f *flags) tell(r release, index v1.ImageIndex, made artefacts) error {
	m, err := index.IndexManifest()
	if err != nil {
		return fmt.Errorf("cannot read the image: %w", err)
	}

	fmt.Printf("image          %s\n", f.Out)
	fmt.Printf("digest         %s (the same from two places)\n", r.Digest)
	fmt.Printf("made with      %s\n", runtime.Version())

	for _, d := range m.Manifests {
		platform, err := index.Image(d.Digest)
		if err != nil {
			return fmt.Errorf("cannot read the image: %w", err)
		}

		n, err := size(platform)
		if err != nil {
			return err
		}

		fmt.Printf("linux/%-9s%.1f MB\n", d.Platform.Architecture, float64(n)/1e6)
	}

	for _, name := range []string{nodeDaemon, lambdaZip, modelFetcher} {
		fmt.Printf("%-15s%s, %.1f MB\n", shortName(name), sum(made[name]), float64(len(made[name]))/1e6)
	}

	return nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// atomic writes a file under its name when it is whole.
func atomic(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}

	if err := os.WriteFile(name+".new", content, 0o644); err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}

	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}

	return nil
}
