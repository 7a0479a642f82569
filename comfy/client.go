package comfy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// A Client talks to one studio or one server. It may be used by several goroutines.
type Client struct {
	base    *url.URL
	token   string
	pool    string
	http    *http.Client
	timing  timing
	waiting func(Wait)
}

// timing is how long things take. Tests are in more of a hurry.
type timing struct {
	// pause lies between two tries.
	pause time.Duration
	// patience is how long a server may be out of reach before that is an error.
	patience time.Duration
	// answer is how long a server may take for a short answer.
	answer time.Duration
	// soonest and latest are the bounds of the time between two looks at the history.
	soonest, latest time.Duration
	// greeting is how long a socket may take to say its first word.
	greeting time.Duration
	// ping is what keeps a silent socket open: a load balancer closes one after a minute.
	ping time.Duration
	// silence is how long a socket may say nothing of a prompt that runs.
	silence time.Duration
}

func usual() timing {
	return timing{
		pause: time.Second, patience: 2 * time.Minute, answer: time.Minute,
		soonest: 500 * time.Millisecond, latest: 5 * time.Second, greeting: 5 * time.Second, ping: 25 * time.Second, silence: 20 * time.Second,
	}
}

// An Option changes a client.
type Option func(*Client)

// WithToken has the client send a token, as the front door wants it of programs.
func WithToken(token string) Option { return func(c *Client) { c.token = token } }

// WithPool has the client use a pool of the studio that is not the first one.
func WithPool(name string) Option { return func(c *Client) { c.pool = name } }

// WithWaiting has f called when the client waits for a server: one that wakes, is
// full, or cannot be reached.
func WithWaiting(f func(Wait)) Option { return func(c *Client) { c.waiting = f } }

// New makes a client of the studio or server under an address.
func New(address string, options ...Option) (*Client, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("cannot use the address %q: it must be like https://studio.example.com", address)
	}

	base.Path = strings.TrimSuffix(base.Path, "/")
	base.RawQuery, base.Fragment = "", ""

	// A load balancer keeps who has its cookie at one server.
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}

	c := &Client{base: base, timing: usual(), waiting: func(Wait) {}, http: &http.Client{
		Jar: jar,
		// The only place that a studio sends anybody to is its login, which is for people.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for _, o := range options {
		o(c)
	}

	return c, nil
}

// URL is the address of the studio or server.
func (c *Client) URL() string { return c.base.String() }

// request makes a request. Its body can be sent once: with a body to fall back on,
// Go's transport sends again what a server may have read already.
func (c *Client) request(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Request, error) {
	u := *c.base
	u.Path += path

	if c.pool != "" {
		if query == nil {
			query = url.Values{}
		}

		query.Set("pool", c.pool)
	}

	u.RawQuery = query.Encode()

	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("cannot make a request: %w", err)
	}

	req.GetBody = nil

	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}

	c.authorize(req.Header)

	return req, nil
}

func (c *Client) authorize(h http.Header) {
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
}

// largestAnswer is more than a history with a large graph in it.
const largestAnswer = 256 << 20

type answer struct {
	status int
	header http.Header
	body   []byte
}

// once asks once.
func (c *Client) once(ctx context.Context, method, path string, body []byte) (answer, error) {
	ctx, stop := context.WithTimeout(ctx, c.timing.answer)
	defer stop()

	req, err := c.request(ctx, method, path, nil, body)
	if err != nil {
		return answer{}, err
	}

	return c.answer(req)
}

// answer sends a request, and reads the whole answer.
func (c *Client) answer(req *http.Request) (answer, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()

	return whole(res)
}

func whole(res *http.Response) (answer, error) {
	b, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))

	return answer{res.StatusCode, res.Header, b}, err
}

// ask asks until there is an answer, which is for what may be asked twice, and
// reads it into out.
func (c *Client) ask(ctx context.Context, method, path string, in, out any) error {
	var body []byte

	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("cannot write a request: %w", err)
		}

		body = b
	}

	a, err := c.persist(ctx, func() (answer, error) { return c.once(ctx, method, path, body) })
	if err != nil {
		return fmt.Errorf("cannot ask %s%s: %w", c.base.Host, path, err)
	}

	if a.status != http.StatusOK {
		return fmt.Errorf("cannot ask %s%s: %w", c.base.Host, path, refused(a))
	}

	if out == nil {
		return nil
	}

	if err := json.Unmarshal(a.body, out); err != nil {
		return fmt.Errorf("cannot read the answer of %s%s, which is no ComfyUI's: %w", c.base.Host, path, err)
	}

	return nil
}
