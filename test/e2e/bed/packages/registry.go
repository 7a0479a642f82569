package packages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// A Registry serves packages on loopback, in place of the registries that they are
// for. The paths in it are theirs.
type Registry struct {
	address string
	server  *http.Server

	mu    sync.Mutex
	hosts map[string]bool
}

// Serve starts an empty registry. The context governs the start only.
func Serve(ctx context.Context, listen string) (*Registry, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for packages: %w", err)
	}

	r := &Registry{
		address: l.Addr().String(),
		server: &http.Server{
			Handler:           registry.New(registry.Logger(log.New(io.Discard, "", 0))),
			ReadHeaderTimeout: 10 * time.Second,
		},
		hosts: map[string]bool{},
	}

	// Serve returns when Close closes the server.
	go func() { _ = r.server.Serve(l) }()

	return r, nil
}

// Close ends it, and all that it has is gone.
func (r *Registry) Close() error {
	if err := r.server.Close(); err != nil {
		return fmt.Errorf("cannot close the registry: %w", err)
	}

	return nil
}

// Address is its host and port.
func (r *Registry) Address() string { return r.address }

// Hosts are the registries in whose place it serves.
func (r *Registry) Hosts() []string {
	r.mu.Lock()
	defer r.mu.Unlock()

	return slices.Sorted(maps.Keys(r.hosts))
}

// Add publishes the packages of a folder.
func (r *Registry) Add(ctx context.Context, dir string) ([]Package, error) {
	list, err := List(dir)
	if err != nil {
		return nil, err
	}

	for _, p := range list {
		if err := r.push(ctx, dir, p); err != nil {
			return nil, fmt.Errorf("cannot publish %s: %w", p.Repository, err)
		}
	}

	return list, nil
}

func (r *Registry) push(ctx context.Context, dir string, p Package) error {
	images, err := p.images(dir)
	if err != nil {
		return err
	}

	host, path, ok := strings.Cut(p.Repository, "/")
	if !ok {
		return errors.New("it names no registry")
	}

	tag, err := name.NewTag(r.address + "/" + path + ":" + p.Version)
	if err != nil {
		return err
	}

	digest, err := write(ctx, tag, images)
	if err != nil {
		return err
	}

	if digest.String() != p.Digest {
		return fmt.Errorf("it was announced as %s, and is %s", p.Digest, digest)
	}

	r.mu.Lock()
	r.hosts[host] = true
	r.mu.Unlock()

	return nil
}

func write(ctx context.Context, tag name.Tag, images []v1.Image) (v1.Hash, error) {
	if len(images) == 1 {
		if err := remote.Write(tag, images[0], remote.WithContext(ctx)); err != nil {
			return v1.Hash{}, err
		}

		return images[0].Digest()
	}

	index, err := indexOf(images)
	if err != nil {
		return v1.Hash{}, err
	}

	if err := remote.WriteIndex(tag, index, remote.WithContext(ctx)); err != nil {
		return v1.Hash{}, err
	}

	return index.Digest()
}
