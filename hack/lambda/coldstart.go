package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"time"

	"github.com/comfyui-studio/comfyui-studio/lambda/runtimeapi"
)

const change = `{"Records":[{"messageId":"1","body":"{\"Records\":[{\"eventSource\":\"aws:s3\",\"s3\":{\"bucket\":{\"name\":\"models\"}}}]}"}]}`

// coldStart is the median and the longest time from the program's start to its
// answer to one change, with a command sent in between.
func coldStart(ctx context.Context, program string, times int) (median, worst time.Duration, err error) {
	manager := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(w, `{"Command":{"CommandId":"11111111-2222-4333-8444-555555555555"}}`)
	}))
	defer manager.Close()

	var took []time.Duration

	for range times {
		d, err := once(ctx, program, manager.URL)
		if err != nil {
			return 0, 0, err
		}

		took = append(took, d)
	}

	slices.Sort(took)

	return took[len(took)/2], took[len(took)-1], nil
}

func once(ctx context.Context, program, manager string) (time.Duration, error) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()

	api := runtimeapi.New(time.Minute)
	defer api.Close()

	cmd := exec.CommandContext(ctx, program)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + api.Address(), "AWS_ENDPOINT_URL_SSM=" + manager, "AWS_REGION=us-east-1", "AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "MODELS_BUCKET=models", "DOCUMENT=d", "TAG_KEY=k", "TAG_VALUE=v",
	}

	from := time.Now()

	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("cannot start the Lambda: %w", err)
	}

	answer, err := api.Invoke(ctx, []byte(change))
	took := time.Since(from)

	stop()

	_ = cmd.Wait()

	if err != nil {
		return 0, fmt.Errorf("cannot invoke the Lambda: %w", err)
	}

	if string(answer) != `{"batchItemFailures":[]}` {
		return 0, fmt.Errorf("the Lambda answers %s", answer)
	}

	return took, nil
}
