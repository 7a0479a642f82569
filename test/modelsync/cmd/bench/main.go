// Command bench measures model sync: how fast the daemon copies, beside other
// tools against the same server, and how long an upload takes to be on all nodes.
// It reports and asserts nothing but that the copies are equal byte for byte.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/programs"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const bucket = "models"

// The cases of copy.
const (
	caseLarge   = "large"
	caseSmall   = "small"
	caseNothing = "nothing"
)

func main() {
	log.SetFlags(0)

	what := flag.String("what", "copy,render,upload", "What to measure: copy, render, upload.")
	cases := flag.String("cases", "large,small,nothing", "Cases of copy: large, small, nothing.")
	tools := flag.String("tools", "ours,aws,crt,s5cmd", "Tools of copy: ours, aws, crt, s5cmd. One that is not there is left out.")
	runs := flag.Int("runs", 5, "Runs of each tool, in turn, after one that does not count.")
	scale := flag.Int64("scale", 1, "Divides sizes and numbers of files, to try the program itself.")
	directory := flag.String("directory", os.TempDir(), "Where to copy to.")
	s5cmd := flag.String("s5cmd", "", "Path of s5cmd.")
	aws2 := flag.String("aws2", "", "Path of the AWS CLI of version 2, for crt.")
	within := flag.Duration("for", 13*time.Minute, "How long copies may take: a case that takes more than its share has fewer runs.")
	nodes := flag.String("nodes", "1,10,200", "Numbers of nodes of upload.")
	manager := flag.String("manager", "on,off", "Systems Manager of upload: on, off.")
	uploads := flag.Int("uploads", 20, "Uploads per number of nodes.")
	flag.Parse()

	folder, err := os.MkdirTemp(*directory, "modelsync-bench-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)

	for w := range strings.SplitSeq(*what, ",") {
		var err error

		switch w {
		case "copy":
			err = measureCopies(folder, copies{cases: strings.Split(*cases, ","), tools: strings.Split(*tools, ","), runs: *runs, scale: *scale, s5cmd: *s5cmd, aws2: *aws2, within: *within})
		case "render":
			err = measureRender(folder, *runs, *scale)
		case "upload":
			err = measureUploads(folder, strings.Split(*nodes, ","), strings.Split(*manager, ","), *uploads)
		default:
			err = fmt.Errorf("there is nothing like %q to measure", w)
		}

		if err != nil {
			_ = os.RemoveAll(folder)

			log.Fatal(err) //nolint:gocritic // The folder is gone.
		}
	}
}

// fill puts the objects of a case into a bucket.
func fill(s *store.Store, name string, scale int64) error {
	switch name {
	case caseLarge:
		for i := range 8 {
			s.PutLarge(bucket, fmt.Sprintf("checkpoints/model-%d.safetensors", i), store.Seeded(uint64(i), 1<<30/scale), 64<<20)
		}
	case caseSmall, caseNothing:
		for i := range 5000 / scale {
			s.Put(bucket, fmt.Sprintf("many/%02d/%04d.bin", i%50, i), store.Seeded(uint64(i), 64<<10))
		}
	default:
		return fmt.Errorf("there is no case %q", name)
	}

	return nil
}

// crt is the AWS CLI with AWS's own transfer client, if it can be had: it asks on port
// 80, which not everybody may serve.
func crt(c copies, folder, endpoint string) ([]tool, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}

	path := find("aws2", c.aws2)
	if u.Port() != "" || path == "" {
		fmt.Fprintln(os.Stderr, "crt is left out: it takes aws2, and the right to serve on port 80")
		return nil, nil
	}

	// It chooses this client by itself on some instances only, none of them ours.
	config := filepath.Join(folder, "crt.config")
	if err := os.WriteFile(config, []byte("[default]\ns3 =\n  preferred_transfer_client = crt\n"), 0o600); err != nil {
		return nil, err
	}

	return []tool{{"aws s3 sync, CRT", program(path, endpoint, []string{"AWS_CONFIG_FILE=" + config}, syncs)}}, nil
}

// syncs are the arguments of aws. Without exact timestamps it would not look at what
// is there, and have nothing to do for that.
func syncs(directory string) []string {
	return []string{"s3", "sync", "--only-show-errors", "--exact-timestamps", "s3://" + bucket, directory}
}

// tool copies the bucket into a directory.
type tool struct {
	name string
	run  func(ctx context.Context, directory string) (result, error)
}

func toolsOf(c copies, folder, endpoint string) ([]tool, error) {
	var all []tool

	for _, name := range c.tools {
		switch name {
		case "ours":
			program, err := programs.Build(context.Background(), folder, programs.Daemon)
			if err != nil {
				return nil, err
			}

			all = append(all, tool{name, ours(program, endpoint)})
		case "aws":
			if path := find("aws", ""); path != "" {
				all = append(all, tool{"aws s3 sync, classic", program(path, endpoint, nil, syncs)})
			}
		case "crt":
			t, err := crt(c, folder, endpoint)
			if err != nil {
				return nil, err
			}

			all = append(all, t...)
		case "s5cmd":
			if path := find("s5cmd", c.s5cmd); path != "" {
				all = append(all, tool{"s5cmd sync", program(path, endpoint, nil, func(d string) []string {
					return []string{"--log", "error", "sync", "s3://" + bucket + "/*", filepath.Clean(d) + "/"}
				})})
			}
		default:
			return nil, fmt.Errorf("there is no tool %q", name)
		}
	}

	return all, nil
}
