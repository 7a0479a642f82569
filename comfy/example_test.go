package comfy_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"

	"github.com/comfyui-studio/comfyui-studio/comfy"
	"github.com/comfyui-studio/comfyui-studio/internal/comfytest"
)

// studio is what stands in for one here.
func studio() (string, func()) {
	dir, err := os.MkdirTemp("", "comfy")
	if err != nil {
		log.Fatal(err)
	}

	server, err := comfytest.New(comfytest.Options{Directory: dir})
	if err != nil {
		log.Fatal(err)
	}

	h := httptest.NewServer(server)

	return h.URL, func() {
		server.Close()
		h.Close()

		_ = os.RemoveAll(dir)
	}
}

// A graph is read, changed, run, and its files are fetched.
func ExampleClient_Run() {
	address, stop := studio()
	defer stop()

	client, err := comfy.New(address, comfy.WithToken(os.Getenv("COMFY_TOKEN")))
	if err != nil {
		fmt.Println(err)
		return
	}

	graph, err := comfy.ParseGraph([]byte(`{
		"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
		"2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "black"}}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}

	if err := graph.Set("2.filename_prefix", "red"); err != nil {
		fmt.Println(err)
		return
	}

	if err := graph.Set("1.color", 0xff0000); err != nil {
		fmt.Println(err)
		return
	}

	result, err := client.Run(context.Background(), graph, comfy.Run{})
	if err != nil {
		fmt.Println(err)
		return
	}

	if err := result.Err(); err != nil {
		fmt.Println(err)
		return
	}

	for _, file := range result.Kept() {
		out, err := os.CreateTemp("", "*.png")
		if err != nil {
			fmt.Println(err)
			return
		}

		n, err := client.Download(context.Background(), file, out)
		if err != nil {
			fmt.Println(err)
			return
		}

		fmt.Println(file.Name, n > 0)

		_ = out.Close()
		_ = os.Remove(out.Name())
	}
	// Output: red_00001_.png true
}

// What a workflow lacks is told by node and input.
func ExampleRefusedError() {
	address, stop := studio()
	defer stop()

	client, err := comfy.New(address)
	if err != nil {
		fmt.Println(err)
		return
	}

	graph, err := comfy.ParseGraph([]byte(`{"2": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}

	_, err = client.Submit(context.Background(), graph, comfy.Submission{})
	fmt.Println(err)
	// Output:
	// the workflow is refused:
	//   node 2 (SaveImage): input images is missing
}
