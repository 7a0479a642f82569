package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	// source is the Lambda's package.
	source = "./lambda/modelsync"
	// published is the architecture that the studio's Lambda has.
	published = "arm64"
)

// reproducible is the zip, made here and from a copy of the source elsewhere.
func reproducible(ctx context.Context, root string) ([]byte, error) {
	elsewhere, err := os.MkdirTemp("", "lambda")
	if err != nil {
		return nil, fmt.Errorf("cannot make room: %w", err)
	}
	defer os.RemoveAll(elsewhere)

	if err := copyTo(filepath.Join(elsewhere, "copy"), root); err != nil {
		return nil, err
	}

	var made [2][]byte

	for i, from := range []string{root, filepath.Join(elsewhere, "copy")} {
		program := filepath.Join(elsewhere, fmt.Sprintf("bootstrap-%d", i))
		if err := build(ctx, from, published, program); err != nil {
			return nil, err
		}

		if made[i], err = pack(program); err != nil {
			return nil, err
		}
	}

	if !bytes.Equal(made[0], made[1]) {
		return nil, errors.New("the zip is another when it is built in another place: nobody could check what was published")
	}

	return made[0], nil
}

// build compiles the Lambda. What depends on where and when it is built is left
// out.
func build(ctx context.Context, root, arch, out string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", out, source)
	cmd.Dir = root
	// These are whoever's shell; what is built is not.
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off")

	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build the Lambda: %w\n%s", err, text)
	}

	return nil
}

// pack zips a program under the name that Lambda starts, as old as zip can tell.
func pack(program string) ([]byte, error) {
	b, err := os.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("cannot read the program: %w", err)
	}

	var out bytes.Buffer

	w := zip.NewWriter(&out)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)}
	// Lambda starts it as another user.
	h.SetMode(0o755)

	f, err := w.CreateHeader(h)
	if err == nil {
		_, err = f.Write(b)
	}

	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("cannot zip the program: %w", err)
	}

	return out.Bytes(), nil
}

// copyTo copies what the Lambda is made of.
func copyTo(to, root string) error {
	if err := os.CopyFS(filepath.Join(to, "lambda"), os.DirFS(filepath.Join(root, "lambda"))); err != nil {
		return fmt.Errorf("cannot copy the source: %w", err)
	}

	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), b, 0o644) //nolint:gosec // Two names of ours.
		}

		if err != nil {
			return fmt.Errorf("cannot copy the source: %w", err)
		}
	}

	return nil
}
