package fetch

import (
	"context"
	"io"
	"net/url"
	"strings"
)

// A source is where a model comes from.
type source interface {
	// look asks what there is.
	look(ctx context.Context) (about, error)
	// open reads n bytes from off on, or more.
	open(ctx context.Context, off, n int64) (io.ReadCloser, error)
}

// about is what a source says of a file before it is read.
type about struct {
	// Size is -1 when the source does not say.
	size int64
	// SHA256 is what the source says of the content, or empty.
	sha256 string
	// Ranges says that the file can be had in pieces.
	ranges bool
	// Version tells one content from another under the same URL, or is empty.
	version string
	// Page says that it is a web page.
	page bool
}

// matches refuses what cannot be the declared file, before it is read.
func (a about) matches(file File) error {
	switch {
	case a.sha256 != "" && a.sha256 != file.SHA256:
		return refuse(Checksum, "the source says that its sha256 is %s, not %s", a.sha256, file.SHA256)
	case a.page && a.size != file.Size:
		return refuse(Page, "the source gives a web page")
	case a.size >= 0 && a.size != file.Size:
		return refuse(Size, "the source has %d bytes, not %d", a.size, file.Size)
	}

	return nil
}

// source finds the source of a file.
func (f *Fetcher) source(ctx context.Context, file File) (source, error) {
	u, err := url.Parse(file.URL)
	if err != nil {
		return nil, refuse(Source, "the url cannot be read")
	}

	switch u.Scheme {
	case "s3":
		// Not the URL's path: a key may hold what a URL escapes.
		bucket, key, _ := strings.Cut(strings.TrimPrefix(file.URL, "s3://"), "/")

		return &bucketSource{client: f.Client, bucket: bucket, key: key}, nil
	case "https":
		w := &webSource{client: f.web, url: file.URL}
		if file.TokenSecret == "" {
			return w, nil
		}

		if w.token, err = f.Token(ctx, file.TokenSecret); err != nil {
			return nil, refuse(NoToken, "cannot read secret %s: %w", file.TokenSecret, err)
		}

		// A line break at its end is what people's editors leave; in a header it is an
		// error that would print the token.
		w.token = strings.TrimSpace(w.token)

		return w, nil
	default:
		return nil, refuse(Insecure, "the url begins neither with https:// nor with s3://")
	}
}
