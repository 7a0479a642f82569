package bucket

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// readAhead is the buffer of a connection: one read of the socket for many of
// TLS's records.
const readAhead = 128 << 10

// NewClient makes a client of S3 for many connections at once. An endpoint is for
// a server that is not AWS's. What tune changes of the transport comes last.
//
// The SDK's own HTTP client is told what to change: it alone takes AWS_CA_BUNDLE,
// which who sits behind a company's proxy has set, and with another the SDK refuses
// to start.
func NewClient(ctx context.Context, region, endpoint string, connections int, tune ...func(*http.Transport)) (*s3.Client, error) {
	options := append([]func(*http.Transport){transport(connections)}, tune...)

	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(options...)))
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

// transport keeps a connection for every request that may be under way. One
// connection to S3 gives less than 100 MB/s, so there are many; HTTP/2, which S3
// does not have, would put them into one.
func transport(connections int) func(*http.Transport) {
	d := &spread{dialer: net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}}

	return func(t *http.Transport) {
		t.Proxy = http.ProxyFromEnvironment
		t.DialContext = d.dial
		// The SDK's transport offers HTTP/2 already.
		t.ForceAttemptHTTP2, t.TLSNextProto = false, map[string]func(string, *tls.Conn) http.RoundTripper{}
		if t.TLSClientConfig != nil {
			t.TLSClientConfig.NextProtos = nil
		}

		t.MaxIdleConns, t.MaxIdleConnsPerHost = connections, connections
		t.IdleConnTimeout = 90 * time.Second
		t.TLSHandshakeTimeout = 10 * time.Second
		t.ResponseHeaderTimeout = silence
		t.ReadBufferSize, t.WriteBufferSize = readAhead, 4<<10
		t.DisableCompression = true
	}
}

// A spread dials the addresses of a name in turn. Go's own dialer takes the first
// that answers, so all connections would end at one of S3's front ends.
type spread struct {
	dialer net.Dialer
	next   atomic.Uint32
}

func (s *spread) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}

	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil || len(addresses) == 0 {
		// The dialer says what is wrong with the name.
		return s.dialer.DialContext(ctx, network, address)
	}

	first := int(s.next.Add(1))

	for i := range addresses {
		var conn net.Conn

		conn, err = s.dialer.DialContext(ctx, network, net.JoinHostPort(addresses[(first+i)%len(addresses)], port))
		if err == nil {
			return conn, nil
		}
	}

	return nil, err
}
