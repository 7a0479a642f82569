// Command comfyui plays a ComfyUI server: see package process.
package main

import "github.com/comfyui-studio/comfyui-studio/internal/comfytest/process"

func main() { process.Main() }
