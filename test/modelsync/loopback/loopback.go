// Package loopback serves the doubles of AWS's services on this machine.
package loopback

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Serve answers on a free port until stop is called, and returns its URL. What is
// under way then is cut off: clients of these services wait for long.
func Serve(h http.Handler) (endpoint string, stop func(), err error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("cannot listen: %w", err)
	}

	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}

	go func() { _ = s.Serve(l) }()

	return "http://" + l.Addr().String(), func() { _ = s.Close() }, nil
}
