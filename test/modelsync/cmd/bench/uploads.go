package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/comfyui-studio/comfyui-studio/modelsync/mirror"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/fleet"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/history"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/programs"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

const (
	// interval and window are what a studio has.
	interval = time.Minute
	window   = 3 * time.Second
	// between is the least time between two uploads, and as much may come on top.
	// Each is then alone in its window, and none finds another's command under way.
	between = window + time.Second
	// look is how often it is looked whether an upload has arrived.
	look = 20 * time.Millisecond
	// uploaded is the size of what is uploaded.
	uploaded = 1 << 20
)

// measureUploads prints how long an upload takes to be usable on all nodes. In
// the doubles an event, a command and a listing take no time, so what is shown is
// the waiting that the design has in it.
func measureUploads(folder string, nodes, ways []string, uploads int) error {
	program, err := programs.Build(context.Background(), folder, programs.Lambda)
	if err != nil {
		return err
	}

	fmt.Println("| nodes | Systems Manager | p50 | p95 | greatest |")
	fmt.Println("|---|---|---|---|---|")

	var few, many []fleetOf

	for _, text := range nodes {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("cannot read the number of nodes: %w", err)
		}

		for _, way := range ways {
			if f := (fleetOf{n, way}); n < manyNodes {
				few = append(few, f)
			} else {
				many = append(many, f)
			}
		}
	}

	return errors.Join(measureAll(folder, few, uploads, program), measureAll(folder, many, uploads, program))
}

// A fleetOf is so many nodes, with Systems Manager on or off.
type fleetOf struct {
	nodes int
	way   string
}

// manyNodes is how many make the machine work. Fewer do not disturb one another.
const manyNodes = 100

// measureAll measures fleets at once: nearly all of it is waiting.
func measureAll(folder string, fleets []fleetOf, uploads int, program string) error {
	took := make([][]time.Duration, len(fleets))

	var g errgroup.Group

	for i, f := range fleets {
		g.Go(func() error {
			var err error
			took[i], err = measureFleet(filepath.Join(folder, fmt.Sprint("fleet-", f.nodes, f.way)), f.nodes, uploads, f.way == "on", program)

			return err
		})
	}

	if err := g.Wait(); err != nil {
		return err
	}

	for i, f := range fleets {
		all := took[i]
		slices.Sort(all)
		fmt.Printf("| %d | %s | %.1f s | %.1f s | %.1f s |\n", f.nodes, f.way,
			all[len(all)/2].Seconds(), all[min(len(all)-1, len(all)*95/100)].Seconds(), all[len(all)-1].Seconds())
	}

	return nil
}

func measureFleet(folder string, nodes, uploads int, told bool, program string) ([]time.Duration, error) {
	s := store.New()
	s.Make(bucket)

	endpoint, stop, err := s.Serve()
	if err != nil {
		return nil, err
	}
	defer stop()

	var chain *history.Chain

	if told {
		if chain, err = history.NewChain(program, window, history.Loss{}); err != nil {
			return nil, err
		}
		defer chain.Close()

		s.OnChange = chain.Tell
	}

	all, err := join(folder, endpoint, nodes, chain)
	if err != nil {
		return nil, err
	}

	defer func() {
		for _, n := range all {
			_ = n.Down()
		}

		_ = os.RemoveAll(folder)
	}()

	pause := between
	if !told {
		// There is no window to be alone in: each waits for the timers.
		pause = time.Second
	}

	return upload(s, all, uploads, pause), nil
}

// upload puts one object after the other, and gives how long each took to be on
// all nodes.
func upload(s *store.Store, nodes []*fleet.Node, uploads int, pause time.Duration) []time.Duration {
	took := make([]time.Duration, uploads)
	done := make(chan struct{}, uploads)

	for i := range uploads {
		key := fmt.Sprintf("loras/%03d", i)
		c := store.Seeded(uint64(i), uploaded)
		began := time.Now()

		s.Put(bucket, key, c)

		go func() {
			for _, n := range nodes {
				for !there(filepath.Join(n.Tree, key)) {
					time.Sleep(look)
				}
			}

			took[i] = time.Since(began)
			done <- struct{}{}
		}()

		time.Sleep(pause + rand.N(pause)) //nolint:gosec // No secret.
	}

	for range uploads {
		<-done
	}

	return took
}

// join starts nodes, spread over an interval as in a studio that grows: each has
// made its first pass when this returns.
func join(folder, endpoint string, nodes int, chain *history.Chain) ([]*fleet.Node, error) {
	all := make([]*fleet.Node, 0, nodes)
	transport := &http.Transport{MaxIdleConnsPerHost: 1024}

	for i := range nodes {
		n, err := fleet.NewNode(fmt.Sprintf("i-%03d", i), folder, mirror.Options{
			Bucket: bucket, Interval: interval, Gap: time.Second, Connections: 4, Buffer: 64 << 10, Reserve: 1,
			Client: store.Client(endpoint, func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: transport} }),
		})
		if err != nil {
			return nil, err
		}

		if chain != nil {
			chain.Register(n)
		}

		if err := n.Up(); err != nil {
			return nil, err
		}

		all = append(all, n)

		time.Sleep(interval / time.Duration(nodes))
	}

	return all, nil
}

// there tells whether a file is there. That it is whole then is shown elsewhere.
func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
