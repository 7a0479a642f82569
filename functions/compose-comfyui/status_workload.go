package main

import "github.com/comfyui-studio/comfyui-studio/apis/v1alpha1"

// workloadStatus tells the login, the pools and their servers.
func workloadStatus(_ answer, _ *v1alpha1.ComfyUIStudioStatus) {}
