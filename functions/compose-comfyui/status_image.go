package main

import "github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"

// imageStatus tells what the image is and which models are there.
func imageStatus(_ answer, _ *v1alpha1.ComfyUIStudioStatus) {}
