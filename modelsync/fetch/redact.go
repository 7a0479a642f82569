package fetch

import (
	"errors"
	"fmt"
	"net/url"
)

// redacted is a URL as it may be logged: many hold a token or a signature in
// their query, and some a password before the host.
func redacted(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

func redactText(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		// What cannot be read cannot be told apart either.
		return "(no URL)"
	}

	return redacted(u)
}

// redact is an error without the URL that package http puts into it: it is the
// last one that a request was sent on to, signature and all.
func redact(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s %s: %w", u.Op, redactText(u.URL), u.Err)
	}

	return err
}
