// Package runtimeapi plays the service that a Lambda's program fetches its events
// from, so that the program runs here as it is. It is strict: what the real one
// does not know it refuses, and an answer is taken once.
//
// See "Building a custom runtime" in the AWS Lambda developer guide.
package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	prefix  = "/2018-06-01/runtime/invocation/"
	initial = "/2018-06-01/runtime/init/error"
)

// A Server hands events to one program, one after the other.
type Server struct {
	http     *httptest.Server
	deadline time.Duration

	events chan event
	closed chan struct{}

	mu   sync.Mutex
	open map[string]event
	last int
}

type event struct {
	payload []byte
	answer  chan answer
}

type answer struct {
	body []byte
	err  error
}

// New starts a server on a free port. An invocation may take as long as timeout.
func New(timeout time.Duration) *Server {
	s := &Server{deadline: timeout, events: make(chan event), closed: make(chan struct{}), open: map[string]event{}}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))

	return s
}

// Address is what AWS_LAMBDA_RUNTIME_API shall say.
func (s *Server) Address() string { return strings.TrimPrefix(s.http.URL, "http://") }

// Close ends the server. A program that waits for an event is refused one.
func (s *Server) Close() {
	close(s.closed)
	s.http.CloseClientConnections()
	s.http.Close()
}

// Invoke hands an event to the program and returns what it answers. An error that
// the program reports is one.
func (s *Server) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	e := event{payload: payload, answer: make(chan answer, 1)}

	select {
	case s.events <- e:
	case <-ctx.Done():
		return nil, fmt.Errorf("the program asks for no event: %w", ctx.Err())
	}

	select {
	case a := <-e.answer:
		return a.body, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the program does not answer: %w", ctx.Err())
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	id, verb, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, prefix), "/")

	switch {
	case r.Method == http.MethodGet && r.URL.Path == prefix+"next":
		s.next(w, r)
	case r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, prefix) && (verb == "response" || verb == "error"):
		s.answered(w, r, id, verb == "error")
	case r.Method == http.MethodPost && r.URL.Path == initial:
		w.WriteHeader(http.StatusAccepted)
	default:
		http.Error(w, `{"errorMessage":"no such resource","errorType":"InvalidRequest"}`, http.StatusNotFound)
	}
}

func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	select {
	case e := <-s.events:
		s.mu.Lock()
		s.last++
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", s.last)
		s.open[id] = e
		s.mu.Unlock()

		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(s.deadline).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:double")

		_, _ = w.Write(e.payload)
	case <-r.Context().Done():
	case <-s.closed:
	}
}

func (s *Server) answered(w http.ResponseWriter, r *http.Request, id string, failed bool) {
	s.mu.Lock()
	e, ok := s.open[id]
	delete(s.open, id)
	s.mu.Unlock()

	if !ok {
		http.Error(w, `{"errorMessage":"invalid request ID","errorType":"InvalidRequestID"}`, http.StatusBadRequest)
		return
	}

	body, err := io.ReadAll(r.Body)
	if err == nil && failed {
		err = errors.New(string(body))
	}

	e.answer <- answer{body: body, err: err}

	w.WriteHeader(http.StatusAccepted)
}
