package fetch

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Code says in one word why a file could not be fetched. It is at most eleven
// characters long: a hundred and twenty-eight of them have to fit the two
// kilobytes that S3 gives to metadata.
type Code string

// Why a file could not be fetched.
const (
	// Conflict is somebody's own file under that path.
	Conflict Code = "conflict"
	// Checksum and Size are another content than what was declared.
	Checksum Code = "checksum"
	Size     Code = "size"
	// Page is a web page in place of a file.
	Page Code = "page"
	// Changed is a file that changed while it was read.
	Changed Code = "changed"
	// Gated is a source that asks for a token, Token one that refuses it, and NoToken
	// a secret that cannot be read.
	Gated   Code = "gated"
	Token   Code = "token"
	NoToken Code = "no-token"
	// Missing is a source that has no such file.
	Missing Code = "missing"
	// Busy is a source that fails or asks to come later.
	Busy Code = "busy"
	// Unreachable is a source that does not answer.
	Unreachable Code = "unreachable"
	// Insecure is a source that sends elsewhere than to https.
	Insecure Code = "insecure"
	// Source is a source that refuses for another reason.
	Source Code = "source"
	// Denied is a models bucket that refuses, Bucket one that fails.
	Denied Code = "denied"
	Bucket Code = "bucket"
	// Stopped is a fetch that was ended; it goes on at its next start.
	Stopped Code = "stopped"
)

// A Result is what became of a file.
type Result struct {
	// Place is the file's in the list, and Path its own.
	Place int
	Path  string
	// Failure is empty when the file is in the bucket.
	Failure Code
}

// The states of a fetch.
const (
	stateDone    = "done"
	statePartial = "partial"
	stateRunning = "fetching"
)

// Marker is what the studio reads of a fetch, as the metadata of an object. Of a
// fetch that still runs it holds the results that there are.
func Marker(results []Result, running bool) map[string]string {
	present, failures := 0, []string{}

	for _, r := range results {
		if r.Failure == "" {
			present++
			continue
		}

		failures = append(failures, fmt.Sprintf("%d:%s", r.Place, r.Failure))
	}

	state := stateDone

	switch {
	case running:
		state = stateRunning
	case len(failures) > 0:
		state = statePartial
	}

	return map[string]string{"state": state, "present": strconv.Itoa(present), "failures": strings.Join(failures, ",")}
}

// A refusal is an error that has a code.
type refusal struct {
	code Code
	err  error
	// passing says that it may be another time.
	passing bool
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

func refuse(code Code, format string, args ...any) error {
	return &refusal{code: code, err: fmt.Errorf(format, args...)}
}

// passing is a refusal that another try may not meet.
func passing(code Code, format string, args ...any) error {
	return &refusal{code: code, err: fmt.Errorf(format, args...), passing: true}
}

func codeOf(err error) Code {
	if errors.Is(err, context.Canceled) && !errors.Is(err, errIdle) {
		return Stopped
	}

	if r, ok := errors.AsType[*refusal](err); ok {
		return r.code
	}

	return Bucket
}
