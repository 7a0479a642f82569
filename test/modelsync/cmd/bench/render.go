package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/comfyui-studio/comfyui-studio/test/modelsync/daemon"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/programs"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const (
	loaded = "checkpoints/loaded.safetensors"
	resync = "checkpoints/resync.safetensors"
	// bound is the daemon's own.
	bound = 256 << 20
)

// measureRender prints how fast a model is read from the disk, as a render does
// that loads it, alone and while the daemon copies another one onto the same disk.
func measureRender(folder string, runs int, scale int64) error {
	program, err := programs.Build(context.Background(), folder, programs.Daemon)
	if err != nil {
		return err
	}

	ways := []struct {
		name string
		rate int64
	}{{"no copy", -1}, {"a copy without bound", 0}, {"a copy at 256 MiB/s", bound}}

	read, took := make([][]float64, len(ways)), make([][]float64, len(ways))

	for run := range runs + 1 {
		for i, way := range ways {
			r, c, err := beside(filepath.Join(folder, "render"), program, way.rate, (1<<30)/scale)
			if err != nil {
				return fmt.Errorf("%s: %w", way.name, err)
			}

			if run > 0 {
				read[i], took[i] = append(read[i], r), append(took[i], c)
			}
		}
	}

	fmt.Println("\n| beside | model read, MB/s | of alone | copy took |")
	fmt.Println("|---|---|---|---|")

	median := func(all []float64) float64 { return slices.Sorted(slices.Values(all))[len(all)/2] }

	for i, way := range ways {
		fmt.Printf("| %s | %.0f | %.2f | %.2f s |\n", way.name, median(read[i]), median(read[i])/median(read[0]), median(took[i]))
	}

	return nil
}

// beside has a node with one model, reads that all the time, and puts another one
// into the bucket. It gives how fast the first was read until the second was there,
// and how long that took. A rate below 0 is that nothing is copied.
func beside(folder, program string, rate, size int64) (speed, seconds float64, err error) {
	if err := os.RemoveAll(folder); err != nil {
		return 0, 0, err
	}

	s := store.New()
	s.Make(bucket)
	s.PutLarge(bucket, loaded, store.Seeded(1, size/4), 64<<20)

	endpoint, stop, err := s.Serve()
	if err != nil {
		return 0, 0, err
	}
	defer stop()

	directory := filepath.Join(folder, "models")
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return 0, 0, err
	}

	cmd, err := daemon.Start(context.Background(), daemon.Options{Program: program, Endpoint: endpoint, Bucket: bucket, Directory: directory, Interval: time.Hour, Rate: max(rate, 0)})
	if err != nil {
		return 0, 0, err
	}

	defer func() { err = errors.Join(err, cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()) }()

	for !there(filepath.Join(folder, ".ready")) {
		time.Sleep(poll)
	}

	bytes, end := reading(filepath.Join(directory, loaded))
	began := time.Now()

	if rate < 0 {
		time.Sleep(time.Duration(float64(size) / bound * float64(time.Second)))
	} else {
		s.PutLarge(bucket, resync, store.Seeded(2, size), 64<<20)

		began = time.Now()
		bytes.Store(0)

		if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			return 0, 0, err
		}

		for !there(filepath.Join(directory, resync)) {
			time.Sleep(poll)
		}
	}

	took := time.Since(began).Seconds()
	n := bytes.Load()

	return float64(n) / took / 1e6, took, end()
}

// reading reads a file again and again, from the disk each time, and counts.
func reading(path string) (bytes *atomic.Int64, end func() error) {
	bytes = new(atomic.Int64)
	stop, ended := make(chan struct{}), make(chan error, 1)

	go func() {
		buffer := make([]byte, 4<<20)

		for {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}

			if err := once(path, buffer, bytes); err != nil {
				ended <- err
				return
			}
		}
	}()

	return bytes, func() error {
		close(stop)
		return <-ended
	}
}

// once reads a file, of which memory holds nothing.
func once(path string, buffer []byte, bytes *atomic.Int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()

	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return fmt.Errorf("cannot empty the cache: %w", err)
	}

	for {
		n, err := f.Read(buffer)
		bytes.Add(int64(n))

		if errors.Is(err, io.EOF) {
			return nil
		}

		if err != nil {
			return err
		}
	}
}
