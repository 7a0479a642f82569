// Command studio-agent is what a studio runs of its own beside ComfyUI: one small
// static program in one image, with a command for each task. The Lambda, the node
// daemon and the model fetcher lie in the same image as files, since they run
// elsewhere than in its containers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/comfyui-studio/comfyui-studio/gateway"
	"github.com/comfyui-studio/comfyui-studio/runtime/drain"
)

type cli struct {
	Install  installCommand  `cmd:"" help:"Copy this program to where another container finds it."`
	Drain    drainCommand    `cmd:"" help:"Wait until a server that shall stop has an empty queue."`
	Uploader uploaderCommand `cmd:"" help:"Copy closed files to a bucket that is mounted."`
	Restore  restoreCommand  `cmd:"" help:"Bring people's saved files back before a server starts."`
	Keep     keepCommand     `cmd:"" help:"Keep what people save in a bucket that is mounted."`
	Gateway  gateway.Command `cmd:"" help:"Be the studio's front door."`
}

func main() {
	c := cli{}
	k := kong.Parse(&c, kong.Name("studio-agent"), kong.Description("What a ComfyUI studio runs beside ComfyUI."))

	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "studio-agent:", err)
		os.Exit(1)
	}
}

// message is where Kubernetes reads what a container says of its end.
type message struct {
	Message string `default:"/dev/termination-log" help:"File for what is to be said of the container's end."`
}

type drainCommand struct {
	Message message `embed:""`

	Server string        `default:"http://127.0.0.1:8188" help:"Address of the server."`
	Limit  time.Duration `help:"How long to wait."        required:""`
	Every  time.Duration `default:"1s"                    help:"Time between two looks."`
	Stop   int           `help:"Process to interrupt at the end, 1 in a container: an image without STOPSIGNAL gets TERM from Kubernetes, which Python as the first process ignores."`
	Log    string        `default:"/proc/1/fd/2"          help:"Where to log to as well: a hook's own output is in no log."`
}

// Run waits. Signals do not end it: it has a limit.
func (c *drainCommand) Run() error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)

	out := io.Writer(os.Stderr)
	if f, err := os.OpenFile(c.Log, os.O_WRONLY|os.O_APPEND, 0); err == nil {
		defer f.Close()

		out = io.MultiWriter(os.Stderr, f)
	}

	err := drain.Drain{
		Server: c.Server, Limit: c.Limit, Every: c.Every, Message: c.Message.Message,
		Log: slog.New(slog.NewJSONHandler(out, nil)).With("command", "drain"),
	}.Run(context.Background())

	if c.Stop != 0 {
		err = errors.Join(err, interrupt(c.Stop))
	}

	return err
}

func interrupt(pid int) error {
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Signal(os.Interrupt)
	}

	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cannot interrupt process %d: %w", pid, err)
	}

	return nil
}
