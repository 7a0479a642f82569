// Command comfyctl runs workflows on a ComfyUI studio, looks after its queue, and
// fills its models bucket.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/comfyui-studio/comfyui-studio/cmd/comfyctl/internal/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)

	stop()
	os.Exit(code)
}
