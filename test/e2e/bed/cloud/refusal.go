package cloud

import (
	"errors"
	"fmt"
)

// A Refusal is an answer of AWS that is not a success.
//
//nolint:errname // It is an answer before it is an error.
type Refusal struct {
	// Code is AWS's error code, as its API references spell it.
	Code string
	// Message says what is wrong.
	Message string
	// Injected is true for faults, false for what a rule refuses.
	Injected bool
}

// Error is the code and the message, as the AWS SDK prints them.
func (r *Refusal) Error() string { return "api error " + r.Code + ": " + r.Message }

// codeNotFound is this package's own code: each service spells it differently
// and callers only ask IsNotFound.
const codeNotFound = "ResourceNotFound"

func refuse(code, format string, args ...any) error {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

func notFound(c Call) error {
	return refuse(codeNotFound, "The %s %q does not exist", c.Kind.Name, c.ID)
}

// IsNotFound tells whether AWS does not know the resource that was asked for.
func IsNotFound(err error) bool { return Code(err) == codeNotFound }

// Code is AWS's error code, empty when the error is not AWS's.
func Code(err error) string {
	if r := (*Refusal)(nil); errors.As(err, &r) {
		return r.Code
	}
	return ""
}
