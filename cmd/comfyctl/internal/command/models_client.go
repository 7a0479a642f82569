package command

import (
	"context"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// connections is how many are kept to S3.
const connections = 32

// newClient is a client of S3 with the user's own credentials. The SDK's own HTTP
// client is told what to change, since it also takes AWS_CA_BUNDLE, which who sits
// behind a company's proxy has set.
func newClient(ctx context.Context, region, endpoint string) (*s3.Client, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = connections, connections
		// Parts are large.
		t.WriteBufferSize, t.ReadBufferSize = 256<<10, 128<<10
	})))
	if err != nil {
		return nil, fmt.Errorf("cannot find credentials: %w", err)
	}

	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
			o.UsePathStyle = true
		}
	}), nil
}
