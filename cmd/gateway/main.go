// Command gateway is the studio's front door by itself.
package main

import (
	"github.com/alecthomas/kong"

	"github.com/comfyui-studio/comfyui-studio/gateway"
)

func main() {
	var c gateway.Command

	k := kong.Parse(&c, kong.Name("gateway"), kong.Description("The front door of a ComfyUI studio."))
	k.FatalIfErrorf(c.Run())
}
