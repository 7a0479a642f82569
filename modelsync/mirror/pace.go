package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/time/rate"

	"github.com/comfyui-studio/comfyui-studio/modelsync/disk"
)

// longestWait is how long a connection may wait for its turn. S3 and we ourselves
// take one that is silent for longer than twice that for lost.
const longestWait = 10 * time.Second

// newLimiter bounds how many bytes a second are copied once servers may run. A
// second's worth may come at once, so what is small does not wait.
func newLimiter(o Options) (*rate.Limiter, error) {
	if o.Rate == 0 {
		return nil, nil //nolint:nilnil // There is no bound, which is no failure.
	}

	if least := int64(o.Connections) * int64(o.Buffer) / int64(longestWait.Seconds()); o.Rate < least {
		return nil, fmt.Errorf("cannot copy only %d bytes a second with %d connections: write %d or more, or 0 for no bound", o.Rate, o.Connections, least)
	}

	return rate.NewLimiter(rate.Limit(o.Rate), int(max(o.Rate, int64(o.Buffer)))), nil
}

// pace is what bounds this pass. The first one is not bounded: no server runs
// before it is over. From then on a render reads its models from the disk that
// copies are written to, through the processor that they take, and NVMe drives
// without a scheduler know no classes of I/O.
func (m *Mirror) pace() (*rate.Limiter, error) {
	_, err := m.disk.Stat(readyFile)

	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // There is no bound, which is no failure.
	case err != nil:
		return nil, err
	}

	return m.limiter, nil
}

// A paced file takes bytes as fast as the pass may copy.
type paced struct {
	disk.File

	ctx     context.Context //nolint:containedctx // WriteAt is the standard library's.
	limiter *rate.Limiter
	meter   *meter
}

// WriteAt implements disk.File.
func (f paced) WriteAt(b []byte, at int64) (int, error) {
	began := time.Now()

	if err := f.limiter.WaitN(f.ctx, len(b)); err != nil {
		return 0, err
	}

	since(&f.meter.limited, began)

	return f.File.WriteAt(b, at)
}

// watched is a file of this pass: metered, and bounded if the pass is.
func (f *fetch) watched(ctx context.Context, file disk.File) disk.File {
	file = metered{file, &f.t.meter}
	if f.t.limiter == nil {
		return file
	}

	return paced{file, ctx, f.t.limiter, &f.t.meter}
}
