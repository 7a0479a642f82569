package comfy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"time"
)

// An Upload is a file as a server keeps it.
type Upload struct {
	Name      string `json:"name"`
	Subfolder string `json:"subfolder"`
	Type      string `json:"type"`
}

// Path is what a LoadImage node calls the file.
func (u Upload) Path() string { return path.Join(u.Subfolder, u.Name) }

// Upload gives a server an input, of whatever kind of file. Another file of that
// name stays, and this one gets another: use the name that comes back.
func (c *Client) Upload(ctx context.Context, name string, from io.ReadSeeker) (Upload, error) {
	size, err := from.Seek(0, io.SeekEnd)
	if err != nil {
		return Upload{}, fmt.Errorf("cannot read %s: %w", name, err)
	}

	var form bytes.Buffer

	w := multipart.NewWriter(&form)
	if _, err := w.CreateFormFile("image", name); err != nil {
		return Upload{}, fmt.Errorf("cannot write a form: %w", err)
	}

	head := bytes.Clone(form.Bytes())
	form.Reset()

	if err := w.Close(); err != nil {
		return Upload{}, fmt.Errorf("cannot write a form: %w", err)
	}

	// The same file sent again is the same upload, so it may be.
	a, err := c.persist(ctx, func() (answer, error) {
		if _, err := from.Seek(0, io.SeekStart); err != nil {
			return answer{}, err
		}

		body := io.MultiReader(bytes.NewReader(head), from, bytes.NewReader(form.Bytes()))

		return c.send(ctx, w.FormDataContentType(), body, int64(len(head))+size+int64(form.Len()))
	})

	switch {
	case err != nil:
		return Upload{}, fmt.Errorf("cannot upload %s: %w", name, err)
	case a.status == http.StatusRequestEntityTooLarge:
		return Upload{}, fmt.Errorf("cannot upload %s: it is larger than the server takes", name)
	case a.status != http.StatusOK:
		return Upload{}, fmt.Errorf("cannot upload %s: %w", name, refused(a))
	}

	out := Upload{}
	if err := json.Unmarshal(a.body, &out); err != nil || out.Name == "" {
		return Upload{}, fmt.Errorf("cannot upload %s: the answer is no ComfyUI's", name)
	}

	return out, nil
}

func (c *Client) send(ctx context.Context, kind string, body io.Reader, size int64) (answer, error) {
	req, err := c.request(ctx, http.MethodPost, "/api/upload/image", nil, nil)
	if err != nil {
		return answer{}, err
	}

	req.Body, req.ContentLength = io.NopCloser(body), size
	req.Header.Set("Content-Type", kind)

	return c.answer(req)
}

// Download writes a file to w, and goes on where it was when it is cut off. It
// returns how much it wrote.
func (c *Client) Download(ctx context.Context, f File, w io.Writer) (int64, error) {
	d := download{client: c, query: url.Values{"filename": {f.Name}, "subfolder": {f.Subfolder}, "type": {f.Type}}, to: w}

	p := patience{limit: c.timing.patience}

	for n := 0; ; n++ {
		before := d.written

		a, err := d.try(ctx)
		if err == nil && a.status == 0 {
			return d.written, nil
		}

		if d.written > before {
			n, p.since = 0, time.Time{}
		}

		wait := c.wait(a, err, n)
		if wait.For == 0 {
			return d.written, fmt.Errorf("cannot download %s: %w", f.Name, refused(a))
		}

		if d.final || ctx.Err() != nil || p.over(a, err) {
			return d.written, fmt.Errorf("cannot download %s: %w", f.Name, errors.Join(err, failure(a)))
		}

		if err := c.sleep(ctx, wait); err != nil {
			return d.written, err
		}
	}
}

// download is how far one is.
type download struct {
	client  *Client
	query   url.Values
	to      io.Writer
	written int64
	// tag is of the file that was begun.
	tag string
	// final says that trying again is of no use.
	final bool
}

// try returns an answer that is no file, or an error, or neither when all is there.
func (d *download) try(ctx context.Context) (answer, error) {
	req, err := d.client.request(ctx, http.MethodGet, "/api/view", d.query, nil)
	if err != nil {
		d.final = true
		return answer{}, err
	}

	if d.written > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.written))
	}

	if d.written > 0 && d.tag != "" {
		req.Header.Set("If-Range", d.tag)
	}

	res, err := d.client.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()

	switch {
	case res.StatusCode == http.StatusPartialContent && d.written > 0:
	case res.StatusCode == http.StatusOK && d.written == 0:
		d.tag = res.Header.Get("ETag")
	case res.StatusCode == http.StatusOK && d.tag != "" && res.Header.Get("ETag") == d.tag:
		// A hop that knows no ranges sends all again.
		if _, err := io.CopyN(io.Discard, res.Body, d.written); err != nil {
			return answer{}, err
		}
	case res.StatusCode == http.StatusOK:
		d.final = true
		return answer{}, errors.New("the file is another now than when the download began")
	default:
		return whole(res)
	}

	into := &sink{w: d.to}
	n, err := io.Copy(into, res.Body)
	d.written += n
	d.final = into.err != nil

	return answer{}, err
}

// sink tells a disk that is full from a network that is cut.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.err = err

	return n, err
}
