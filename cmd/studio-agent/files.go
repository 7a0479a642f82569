package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/comfyui-studio/comfyui-studio/runtime/uploader"
)

// copying is what commands have in common that copy to a bucket.
type copying struct {
	From  string        `help:"Directory to copy from."                                       required:"" type:"existingdir"`
	To    string        `help:"Directory in the bucket."                                      required:"" type:"existingdir"`
	Grace time.Duration `default:"50s" help:"How long the last copies may take at the end."`
	Retry time.Duration `default:"2s"  help:"Time before a copy that failed is tried again."`
}

type uploaderCommand struct {
	Copying copying `embed:""`
	Message message `embed:""`
}

// Run copies until it is told to stop, and then what is left.
func (c *uploaderCommand) Run() error { return c.Copying.run("uploader", "", c.Message) }

type keepCommand struct {
	Copying copying `embed:""`
	Message message `embed:""`

	Ledger string `help:"File that remembers what the bucket was given." required:""`
}

// Run keeps until it is told to stop.
func (c *keepCommand) Run() error { return c.Copying.run("keep", c.Ledger, c.Message) }

func (c copying) run(command, ledger string, m message) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	u := uploader.Uploader{
		From: c.From, To: uploader.Directory(c.To), Grace: c.Grace, Retry: c.Retry, Ledger: ledger,
		Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("command", command),
	}

	err := u.Run(ctx)
	if err != nil {
		// Where it cannot be written it is on standard error still.
		_ = os.WriteFile(m.Message, []byte(err.Error()), 0o644)
	}

	return err
}

type restoreCommand struct {
	From   string `help:"Directory in the bucket."                        required:"" type:"existingdir"`
	To     string `help:"Directory to bring files to. It is made."        required:""`
	Ledger string `help:"File that remembers what the bucket was given." required:""`
}

// Run brings back what is kept.
func (c *restoreCommand) Run() error {
	if err := os.MkdirAll(c.To, 0o755); err != nil {
		return fmt.Errorf("cannot make the directory: %w", err)
	}

	log := slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("command", "restore")

	return uploader.Restore(os.DirFS(c.From), c.To, c.Ledger, log)
}
