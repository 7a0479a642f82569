// Command node-daemon keeps a node's models equal to the studio's bucket. It runs
// under systemd. A USR1 has it look at the bucket now.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
	"github.com/comfyui-studio/comfyui-studio/modelsync/mirror"
)

// memory is how much the daemon may use, in bytes, before Go collects what it can.
const memory = 256 << 20

type flags struct {
	Bucket      string           `help:"Bucket that holds the models."                                                                  required:""`
	Region      string           `help:"Region of the bucket."                                                                          required:""`
	Directory   string           `help:"Directory that is made equal to the bucket. What the daemon needs stands beside it."            required:"" type:"path"`
	Endpoint    string           `help:"URL of an S3 server that is not AWS's."`
	Interval    time.Duration    `default:"60s"                                                                                         help:"How long the bucket is not looked at when nobody asks."`
	Connections int              `default:"32"                                                                                          help:"How many requests to S3 there are at once."`
	RangeSize   int64            `default:"67108864"                                                                                    help:"Bytes of a large file that one request asks for."`
	Rate        int64            `default:"268435456"                                                                                   help:"Bytes a second that are copied at most once servers may run; 0 for no bound."`
	Reserve     int              `default:"15"                                                                                          help:"Percent of the file system that stay free."`
	Order       string           `help:"What says which models come first: a file, or s3://bucket/key."`
	Status      string           `help:"Where to write the status to as well: a file, or s3://bucket/key. {instance} is the instance's id."`
	AnyDisk     bool             `help:"Work on the file system of the operating system, too."                                          name:"any-disk"`
	Debug       bool             `help:"Log more."`
	Version     kong.VersionFlag `help:"Print the version."`
}

func main() {
	var f flags

	kong.Parse(&f, kong.Name("node-daemon"), kong.Description("Keeps a directory equal to a bucket."), kong.Vars{"version": version()})

	level := slog.LevelInfo
	if f.Debug {
		level = slog.LevelDebug
	}

	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))

	if err := run(f, log); err != nil {
		log.Error("cannot go on", "error", err)
		os.Exit(1)
	}
}

func run(f flags, log *slog.Logger) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	// Before anything that takes time: a USR1 that nobody waits for ends a process.
	pokes := make(chan os.Signal, 1)
	signal.Notify(pokes, syscall.SIGUSR1)

	if onRoot, err := disk.OnRootDisk(f.Directory); err != nil {
		return err
	} else if onRoot && !f.AnyDisk {
		return fmt.Errorf("--directory=%s is on the operating system's disk: is the instance store mounted?", f.Directory)
	}

	client, err := bucket.NewClient(ctx, f.Region, f.Endpoint, f.Connections)
	if err != nil {
		return err
	}

	report, err := newReporter(ctx, f, log)
	if err != nil {
		return err
	}

	first, err := newOrder(ctx, f)
	if err != nil {
		return err
	}

	m, err := mirror.New(mirror.Options{
		Bucket: f.Bucket, Client: client, Directory: f.Directory, Interval: f.Interval, Connections: f.Connections,
		RangeSize: f.RangeSize, Rate: f.Rate, Reserve: f.Reserve, Order: first, Log: log, Report: report.take,
	})
	if err != nil {
		return err
	}

	go func() {
		for range pokes {
			m.Poke()
		}
	}()

	end := report.start()

	log.Info("started", "version", version(), "bucket", f.Bucket, "directory", f.Directory)
	notify(ctx, log)

	if err := m.Run(ctx); err != nil {
		return err
	}

	end()
	log.Info("ended")

	return nil
}

// version is that of the module and of the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}

	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return info.Main.Version + " " + s.Value
		}
	}

	return info.Main.Version
}
