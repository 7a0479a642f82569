// Command lambda builds the zip of the studio's Lambda, as it is published, and
// measures it: its size, and how long it takes from nothing to its first answer.
// The zip is a function of the source and of the Go version alone, since a
// studio pins it by its hash; the command builds it twice, in two places, and
// fails where they differ.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// starts are how often a cold start is measured.
const starts = 11

func main() {
	out := flag.String("out", "_output/lambda.zip", "the zip to write")
	flag.Parse()

	if err := run(context.Background(), *out); err != nil {
		fmt.Fprintln(os.Stderr, "lambda:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	zipped, err := reproducible(ctx, ".")
	if err != nil {
		return err
	}

	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("cannot make room: %w", err)
	}

	if err := os.WriteFile(out, zipped, 0o644); err != nil {
		return fmt.Errorf("cannot write the zip: %w", err)
	}

	sum := sha256.Sum256(zipped)

	dir, err := os.MkdirTemp("", "lambda")
	if err != nil {
		return fmt.Errorf("cannot make room: %w", err)
	}
	defer os.RemoveAll(dir)

	program := filepath.Join(dir, "bootstrap")
	if err := build(ctx, ".", runtime.GOARCH, program); err != nil {
		return err
	}

	median, worst, err := coldStart(ctx, program, starts)
	if err != nil {
		return err
	}

	fmt.Printf("zip        %s\n", out)
	fmt.Printf("sha256     %s (the same from two places)\n", hex.EncodeToString(sum[:]))
	fmt.Printf("size       %.1f MB\n", float64(len(zipped))/1e6)
	fmt.Printf("cold start %s, at worst %s (median of %d: process start to first answer, %s, Systems Manager on this machine)\n",
		median.Round(time.Millisecond), worst.Round(time.Millisecond), starts, runtime.GOARCH)

	return nil
}
