package bucket

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// What S3 says of an object. Everything else is a failure of the moment.
var (
	// ErrAbsent says that there is no such object: the only proof of a delete.
	ErrAbsent = errors.New("there is no such object")
	// ErrChanged says that the object is another version now.
	ErrChanged = errors.New("the object was replaced meanwhile")
	// ErrDenied says that the object, or the key that it is encrypted with, is out
	// of reach. It may be there or not.
	ErrDenied = errors.New("access is denied")
	// ErrArchived says that the object must be restored before it can be read.
	ErrArchived = errors.New("the object is archived and must be restored first")
)

// A WriteError is a failure to put away what was read: not S3's.
type WriteError struct{ Err error }

// Error is that of whom the bytes were given to.
func (e *WriteError) Error() string { return e.Err.Error() }

// Unwrap is what was wrong.
func (e *WriteError) Unwrap() error { return e.Err }

// Lasting says of an error that trying again does not mend it: it is the object's.
func Lasting(err error) bool {
	return errors.Is(err, ErrDenied) || errors.Is(err, ErrArchived)
}

// sort names what S3 said.
func sort(err error) error {
	if err == nil {
		return nil
	}

	var code string

	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code = api.ErrorCode()
	}

	switch status := StatusOf(err); {
	case code == "InvalidObjectState":
		return errors.Join(ErrArchived, err)
	case code == "NoSuchBucket":
		return err
	case code == "NoSuchKey", code == "NotFound", status == http.StatusNotFound && code == "":
		return errors.Join(ErrAbsent, err)
	case status == http.StatusPreconditionFailed, status == http.StatusRequestedRangeNotSatisfiable:
		// A range beyond the end: the object is a shorter one now.
		return errors.Join(ErrChanged, err)
	case status == http.StatusForbidden && !slices.Contains(expiring(), code), strings.HasPrefix(code, "KMS."):
		// A key that is disabled or gone is told by 400 and KMS's own words.
		return errors.Join(ErrDenied, err)
	}

	return err
}

// expiring are refusals that are the credentials' or the clock's, and not the
// object's.
func expiring() []string {
	return []string{"ExpiredToken", "InvalidAccessKeyId", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "TokenRefreshRequired"}
}

// passes says whether the same request may do better in a moment.
func passes(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}

	for _, lasting := range []error{ErrAbsent, ErrChanged, ErrDenied, ErrArchived} {
		if errors.Is(err, lasting) {
			return false
		}
	}

	if _, ok := errors.AsType[*WriteError](err); ok {
		return false
	}

	// Without a status, or with one of success: the connection, or a body that was cut
	// off.
	s := StatusOf(err)

	return s >= http.StatusInternalServerError || s == http.StatusTooManyRequests || s == http.StatusRequestTimeout || s < http.StatusMultipleChoices
}

// crowded says whether S3 is asked for too much.
func crowded(err error) bool {
	s := StatusOf(err)

	return s == http.StatusServiceUnavailable || s == http.StatusTooManyRequests
}

// StatusOf is the status of S3's answer, or 0 where it gave none.
func StatusOf(err error) int {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return r.HTTPStatusCode()
	}

	return 0
}
