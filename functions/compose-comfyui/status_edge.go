package main

import "github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"

// edgeStatus tells the address.
func edgeStatus(_ answer, _ *v1alpha1.ComfyUIStudioStatus) {}
