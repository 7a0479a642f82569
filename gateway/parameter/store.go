// Package parameter reads the front door's secrets from AWS Systems Manager, as
// the pod's own identity, which may read those and nothing else.
package parameter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/comfyui-studio/comfyui-studio/gateway/secret"
)

// reading is how long one parameter may take, with what is tried again.
const reading = 20 * time.Second

// A Store is the parameters of a region.
type Store struct{ client *ssm.Client }

// New takes the identity of the pod. An endpoint is for tests.
func New(ctx context.Context, region, endpoint string) (*Store, error) {
	c, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(region))
	if err != nil {
		return nil, fmt.Errorf("cannot find who we are in AWS: %w", err)
	}

	return &Store{ssm.NewFromConfig(c, func(o *ssm.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})}, nil
}

// Parameter is the value of a parameter.
func (s *Store) Parameter(ctx context.Context, name string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, reading)
	defer stop()

	out, err := s.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})

	if missing := (*types.ParameterNotFound)(nil); errors.As(err, &missing) {
		return "", secret.ErrMissing
	}

	if err != nil {
		return "", err
	}

	return aws.ToString(out.Parameter.Value), nil
}
