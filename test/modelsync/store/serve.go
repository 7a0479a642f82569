package store

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/gofiber/fiber/v3"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// Who may come, and whereto.
const (
	Region    = "us-east-1"
	AccessKey = "AKIAIOSFODNN7EXAMPLE"                     //nolint:gosec // The example of AWS's documentation.
	SecretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" //nolint:gosec // As above.
)

// maxConnections is what two hundred nodes use, with room.
const maxConnections = 16384

// Serve answers S3's protocol on a free port of this machine until stop is
// called, and returns its URL.
func (s *Store) Serve() (endpoint string, stop func(), err error) {
	address, err := freePort()
	if err != nil {
		return "", nil, err
	}

	return s.ServeAt(address)
}

// ServeAt does that at an address.
func (s *Store) ServeAt(address string) (endpoint string, stop func(), err error) {
	root := middlewares.RootUserConfig{Access: AccessKey, Secret: SecretKey}
	iam := auth.NewIAMServiceSingle(auth.Account{Access: AccessKey, Secret: SecretKey, Role: auth.RoleAdmin})
	listening, failed := make(chan struct{}), make(chan error, 1)

	front, err := s3api.New(s, root, Region, iam, nil, nil, nil, nil,
		s3api.WithQuiet(), s3api.WithKeepAlive(), s3api.WithMpMaxParts(maxPart), s3api.WithConcurrencyLimiter(maxConnections, maxConnections),
		s3api.WithMiddleware("/", mend), s3api.WithOnListen(func() { close(listening) }))
	if err != nil {
		return "", nil, fmt.Errorf("cannot make versitygw's front: %w", err)
	}

	go func() { failed <- front.ServeMultiPort([]string{address}) }()

	select {
	case <-listening:
	case err := <-failed:
		return "", nil, fmt.Errorf("cannot serve S3: %w", err)
	}

	// It waits for connections that the other side has given up.
	return "http://" + address, func() { go func() { _ = front.ShutDown() }() }, nil
}

// Client is an S3 client for an endpoint that Serve gave, or one before it.
func Client(endpoint string, options ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		Region: Region, BaseEndpoint: aws.String(endpoint), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
		// As config.LoadDefaultConfig has it.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}, options...)
}

// HeadBucket tells whether a bucket is there.
func (s *Store) HeadBucket(_ context.Context, in *s3.HeadBucketInput) (*s3.HeadBucketOutput, error) {
	if !s.has(*in.Bucket) {
		return nil, s3err.GetBucketErr(s3err.ErrNoSuchBucket, *in.Bucket)
	}

	return &s3.HeadBucketOutput{}, nil
}

// GetBucketAcl is how the front asks whether a bucket is there.
func (s *Store) GetBucketAcl(_ context.Context, in *s3.GetBucketAclInput) ([]byte, error) {
	if !s.has(*in.Bucket) {
		return nil, s3err.GetBucketErr(s3err.ErrNoSuchBucket, *in.Bucket)
	}

	return nil, nil
}

// CreateBucket makes a bucket for a client.
func (s *Store) CreateBucket(_ context.Context, in *s3.CreateBucketInput, _ []byte) error {
	if s.has(*in.Bucket) {
		return s3err.GetBucketErr(s3err.ErrBucketAlreadyOwnedByYou, *in.Bucket)
	}

	s.Make(string([]byte(*in.Bucket)))

	return nil
}

// GetBucketPolicy has none to give: the one account may do everything.
func (*Store) GetBucketPolicy(context.Context, string) ([]byte, error) {
	return nil, s3err.GetAPIError(s3err.ErrNoSuchBucketPolicy)
}

// GetObjectLockConfiguration has none to give.
func (*Store) GetObjectLockConfiguration(context.Context, string) ([]byte, error) {
	return nil, s3err.GetAPIError(s3err.ErrObjectLockConfigurationNotFound)
}

// GetBucketVersioning tells that no bucket was ever versioned.
func (*Store) GetBucketVersioning(context.Context, string) (s3response.GetBucketVersioningOutput, error) {
	return s3response.GetBucketVersioningOutput{}, nil
}

// GetBucketOwnershipControls tells S3's default.
func (*Store) GetBucketOwnershipControls(context.Context, string) (types.ObjectOwnership, error) {
	return types.ObjectOwnershipBucketOwnerEnforced, nil
}

// GetBucketCors has none to give.
func (*Store) GetBucketCors(context.Context, string) ([]byte, error) {
	return nil, s3err.GetAPIError(s3err.ErrNoSuchCORSConfiguration)
}

// mend gives listings back what Go's XML encoder cannot write.
func mend(ctx fiber.Ctx) error {
	err := ctx.Next()

	r := ctx.Response()
	if ctx.Method() == http.MethodGet && !r.IsBodyStream() && ctx.Query("list-type") != "" {
		r.SetBody(mendXML(r.Body()))
	}

	return err
}

func freePort() (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("cannot find a free port: %w", err)
	}

	defer l.Close()

	return l.Addr().String(), nil
}
