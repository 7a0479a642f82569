package bed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// The blocks lie below the range from which Linux and macOS take the ports of
// outgoing connections. A port from that range, found by listening on :0, may
// be taken by any client before its server starts or while it restarts.
const (
	firstPort  = 20000
	blockSize  = 40
	blockCount = 300
)

// ports of one bed. A file lock on the block keeps other beds away from it for
// as long as this process lives, also while a server restarts.
type ports struct {
	lock *os.File

	apiServer   int
	etcd        int
	etcdPeer    int
	coreWebhook int
	coreMetrics int
	coreHealth  int
	function    int
	proxy       int
	ledger      int
	metrics     int // the function's

	kubernetesWebhook int // provider-kubernetes'
	kubernetesMetrics int
	kubernetesHealth  int

	mu    sync.Mutex
	spare []int // for workload clusters
}

// claimPorts takes a block of ports that are all free.
func claimPorts(ctx context.Context) (*ports, error) {
	dir := filepath.Join(os.TempDir(), "comfyui-studio-bed-ports-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot claim ports: %w", err)
	}

	for _, n := range rand.Perm(blockCount) { //nolint:gosec // Spreads beds; nothing is secret.
		first := firstPort + n*blockSize

		lock, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(first)), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("cannot claim ports: %w", err)
		}

		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil || !allFree(ctx, first) {
			_ = lock.Close()
			continue
		}

		return newPorts(lock, first), nil
	}

	return nil, errors.New("cannot claim ports: every block between 20000 and 32000 is in use")
}

func newPorts(lock *os.File, first int) *ports {
	p := &ports{lock: lock}
	named := []*int{
		&p.apiServer, &p.etcd, &p.etcdPeer, &p.coreWebhook, &p.coreMetrics,
		&p.coreHealth, &p.function, &p.proxy, &p.ledger, &p.metrics,
		&p.kubernetesWebhook, &p.kubernetesMetrics, &p.kubernetesHealth,
	}

	for i, port := range named {
		*port = first + i
	}

	for port := first + len(named); port < first+blockSize; port++ {
		p.spare = append(p.spare, port)
	}

	return p
}

// take hands out a port of the block.
func (p *ports) take() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()

	if len(p.spare) == 0 {
		return 0, errors.New("cannot find a port: the bed has as many workload clusters as it has ports for")
	}

	port := p.spare[0]
	p.spare = p.spare[1:]

	return port, nil
}

// free takes a port back, to hand it out after all others.
func (p *ports) free(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.spare = append(p.spare, port)
}

func allFree(ctx context.Context, first int) bool {
	for port := first; port < first+blockSize; port++ {
		// On all interfaces, as the core listens: the strictest question.
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+strconv.Itoa(port))
		if err != nil {
			return false
		}

		_ = l.Close()
	}

	return true
}

// release gives the block back. The lock file stays: removing it while another
// bed waits for it would let two beds hold the same block.
func (p *ports) release() { _ = p.lock.Close() }

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
