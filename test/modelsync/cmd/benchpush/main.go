// Command benchpush measures comfyctl models push beside aws s3 cp: the same files to
// the same server, in turn. It reports, and asserts nothing but that the bucket holds
// the files byte for byte.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/programs"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const bucket = "models"

// A bench is what is measured.
type bench struct {
	// models is the directory that is pushed, and home what tools keep their notes in.
	models, home string
	files        int
	size         int64
	runs         int
	tools        []tool
}

// A tool pushes the directory.
type tool struct {
	name    string
	program string
	args    func(endpoint string) []string
	took    []time.Duration
}

func main() {
	log.SetFlags(0)

	files := flag.Int("files", 4, "How many files.")
	size := flag.Int64("size", 1<<30, "Size of each, in bytes.")
	runs := flag.Int("runs", 3, "Runs of each tool, in turn, after one that does not count.")
	directory := flag.String("directory", os.TempDir(), "Where the files are made.")
	flag.Parse()

	folder, err := os.MkdirTemp(*directory, "benchpush-")
	if err != nil {
		log.Fatal(err)
	}

	err = run(context.Background(), bench{models: filepath.Join(folder, "models", "checkpoints"), home: folder, files: *files, size: *size, runs: *runs})

	_ = os.RemoveAll(folder)

	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, b bench) error {
	if err := os.MkdirAll(b.models, 0o755); err != nil {
		return fmt.Errorf("cannot make files: %w", err)
	}

	for i := range b.files {
		if err := write(b.path(i), b.content(i)); err != nil {
			return err
		}
	}

	ours, err := programs.Build(ctx, b.home, "./cmd/comfyctl")
	if err != nil {
		return err
	}

	b.tools = []tool{{name: "comfyctl models push", program: ours, args: func(endpoint string) []string {
		return []string{"models", "push", b.models, "--endpoint-url", endpoint, "--bucket", bucket}
	}}}

	if aws, err := exec.LookPath("aws"); err == nil {
		b.tools = append(b.tools, tool{name: "aws s3 cp --recursive", program: aws, args: func(endpoint string) []string {
			return []string{"--endpoint-url", endpoint, "s3", "cp", "--recursive", "--only-show-errors", b.models, "s3://" + bucket + "/checkpoints/"}
		}})
	}

	for i := range b.runs + 1 {
		for j := range b.tools {
			took, err := b.one(ctx, b.tools[j])
			if err != nil {
				return err
			}

			// The first one warms everything up and does not count.
			if i > 0 {
				b.tools[j].took = append(b.tools[j].took, took)
			}
		}
	}

	b.report()

	return nil
}

func (b bench) path(i int) string {
	return filepath.Join(b.models, fmt.Sprintf("model-%d.safetensors", i))
}

func (b bench) content(i int) store.Content { return store.Seeded(uint64(i+1), b.size) } //nolint:gosec // A small number.

func write(path string, c store.Content) error {
	f, err := os.Create(filepath.Clean(path))
	if err != nil {
		return fmt.Errorf("cannot make a file: %w", err)
	}
	defer f.Close()

	if _, err := io.Copy(f, io.NewSectionReader(c, 0, c.Size())); err != nil {
		return fmt.Errorf("cannot make a file: %w", err)
	}

	return f.Sync()
}

// one is one run of one tool into an empty bucket.
func (b bench) one(ctx context.Context, t tool) (time.Duration, error) {
	s := store.New()
	s.Make(bucket)

	endpoint, stop, err := s.Serve() //nolint:contextcheck // It is stopped by stop.
	if err != nil {
		return 0, err
	}
	defer stop()

	cmd := exec.CommandContext(ctx, t.program, t.args(endpoint)...)
	cmd.Env = append(os.Environ(), "HOME="+b.home, "XDG_CACHE_HOME="+filepath.Join(b.home, "cache"), "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION="+store.Region,
		"AWS_DEFAULT_REGION="+store.Region, "AWS_ACCESS_KEY_ID="+store.AccessKey, "AWS_SECRET_ACCESS_KEY="+store.SecretKey)

	began := time.Now()

	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", t.name, err, out)
	}

	took := time.Since(began)

	return took, b.compare(s)
}

// compare holds what is in the bucket against the files.
func (b bench) compare(s *store.Store) error {
	const piece = 1 << 20

	got, want := make([]byte, piece), make([]byte, piece)

	for i := range b.files {
		o := s.Object(bucket, fmt.Sprintf("checkpoints/model-%d.safetensors", i))
		if o == nil || o.Content.Size() != b.size {
			return fmt.Errorf("file %d is not in the bucket, or not all of it", i)
		}

		for at := int64(0); at < b.size; at += piece {
			n := min(piece, b.size-at)

			if _, err := o.Content.ReadAt(got[:n], at); err != nil && n == piece {
				return fmt.Errorf("cannot read file %d: %w", i, err)
			}

			if _, err := b.content(i).ReadAt(want[:n], at); err != nil && n == piece {
				return fmt.Errorf("cannot read file %d: %w", i, err)
			}

			if !slices.Equal(got[:n], want[:n]) {
				return fmt.Errorf("file %d differs from byte %d on", i, at)
			}
		}
	}

	return nil
}

func (b bench) report() {
	fmt.Printf("| %d × %d MiB | median | of ours | runs |\n|---|---|---|---|\n", b.files, b.size>>20)

	base := median(b.tools[0].took)

	for _, t := range b.tools {
		var all []string
		for _, d := range t.took {
			all = append(all, fmt.Sprintf("%.2f", d.Seconds()))
		}

		fmt.Printf("| %s | %.2f s | %.2f | %s |\n", t.name, median(t.took).Seconds(), median(t.took).Seconds()/base.Seconds(), strings.Join(all, " "))
	}
}

func median(all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}
