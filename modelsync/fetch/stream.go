package fetch

import (
	"context"
	"io"
)

// A stream has a source that knows no ranges read from its start to its end, one
// part after the other, over one connection. Where that breaks, it starts again
// and passes over what was read.
type stream struct {
	source

	ctx  context.Context //nolint:containedctx // The connection outlives who asks for a part.
	size int64

	body io.ReadCloser
	// At is where the body is, and want where the reader is.
	at, want int64
	release  func() bool
	broken   bool
}

// open goes on where the part before ended, unless that broke.
func (s *stream) open(ctx context.Context, off, _ int64) (io.ReadCloser, error) {
	if s.body == nil {
		body, err := s.source.open(s.ctx, 0, s.size) //nolint:contextcheck // The connection outlives who asks.
		if err != nil {
			return nil, err
		}

		s.body, s.at = body, 0
	}

	s.want, s.broken = off, false
	// Who asks may give up, and then nobody reads from the body.
	body := s.body
	s.release = context.AfterFunc(ctx, func() { _ = body.Close() })

	return s, nil
}

// Read passes over what was read before. That gives nothing, but it is a sign of
// life.
func (s *stream) Read(p []byte) (int, error) {
	over := s.want - s.at
	if over > 0 {
		p = p[:min(int64(len(p)), over)]
	}

	n, err := s.body.Read(p)
	s.at += int64(n)

	if err != nil {
		s.broken = true
	}

	if over > 0 {
		return 0, err
	}

	s.want = s.at

	return n, err
}

// Close leaves the connection to the next part, unless it broke.
func (s *stream) Close() error {
	if !s.release() || s.broken {
		s.end()
	}

	return nil
}

func (s *stream) end() {
	if s.body != nil {
		_ = s.body.Close()
	}

	s.body = nil
}
