package command

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/comfyui-studio/comfyui-studio/modelsync/bucket"
)

// connections is how many are kept to S3.
const connections = 32

// newClient is a client of S3 with the user's own credentials.
func newClient(ctx context.Context, region, endpoint string) (*s3.Client, error) {
	return bucket.NewClient(ctx, region, endpoint, connections, func(t *http.Transport) {
		// Parts are large, and S3 may take minutes to put an upload's together.
		t.WriteBufferSize, t.ResponseHeaderTimeout = 256<<10, 0
	})
}
