package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/comfyui-studio/comfyui-studio/lambda/runtimeapi"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/command"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/events"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/fleet"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/mapping"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/queue"
	"github.com/comfyui-studio/comfyui-studio/test/modelsync/store"
)

// What the function is told, as the composition tells it.
const (
	document = "poke"
	tagKey   = "comfyui-studio"
	tagValue = "art/tokyo"
)

// Loss is what becomes of events on their way, each as a part of all, from 0 to 1.
type Loss struct {
	Seed                     uint64
	Drop, Repeat, Hold, Junk float64
}

// Chain is the way from the bucket's events to the nodes: a queue, the event
// source mapping, the real Lambda, Systems Manager.
type Chain struct {
	Queue    *queue.Queue
	Commands *command.Manager

	loss   Loss
	cancel context.CancelFunc
	done   sync.WaitGroup
	stops  []func()

	mu     sync.Mutex
	random *rand.Rand
	// held are events that are late, and overtaken by others.
	held []string
}

// NewChain starts a chain with the Lambda at program. The window is that of the
// event source mapping. Messages stay hidden for longer than that: what is seen
// again while its batch is still gathered is soon with the dead letters.
func NewChain(program string, window time.Duration, loss Loss) (*Chain, error) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Chain{
		Queue: queue.New(queue.Settings{Visibility: 2*window + time.Second, MaxReceives: 3, Seed: loss.Seed}), Commands: command.New(document),
		loss: loss, cancel: cancel, random: rand.New(rand.NewPCG(loss.Seed, 1)), //nolint:gosec // The story must be the same each time.
	}

	api := runtimeapi.New(time.Minute)
	c.stops = append(c.stops, api.Close)

	queueURL, stop, err := c.Queue.Serve()
	if err != nil {
		return nil, err
	}

	c.stops = append(c.stops, stop)

	managerURL, stop, err := c.Commands.Serve()
	if err != nil {
		return nil, err
	}

	c.stops = append(c.stops, stop)

	if err := c.start(ctx, program, api.Address(), managerURL); err != nil {
		return nil, err
	}

	m := &mapping.Mapping{
		Client: sqs.New(sqs.Options{Region: store.Region, BaseEndpoint: &queueURL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}),
		Queue:  queueURL + "/123456789012/" + queue.Name, Batch: 100, Window: window, Concurrency: 2, Invoke: api.Invoke,
	}
	c.done.Go(func() { m.Run(ctx) })
	c.Queue.Send(events.Test(bucket, time.Now()))

	return c, nil
}

func (c *Chain) start(ctx context.Context, program, api, manager string) error {
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + api, "AWS_ENDPOINT_URL_SSM=" + manager, "AWS_REGION=" + store.Region, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b",
		"MODELS_BUCKET=" + bucket, "DOCUMENT=" + document, "TAG_KEY=" + tagKey, "TAG_VALUE=" + tagValue,
	}

	if os.Getenv("MODELSYNC_LAMBDA_LOG") != "" {
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	}

	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start the Lambda: %w", err)
	}

	c.done.Go(func() { _ = cmd.Wait() })

	return nil
}

// Close ends the chain.
func (c *Chain) Close() {
	c.cancel()

	for _, stop := range slices.Backward(c.stops) {
		stop()
	}

	c.done.Wait()
	c.Commands.Wait()
}

// Tell sends the event of a change, or loses it.
func (c *Chain) Tell(change store.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()

	body := events.Body(change)
	luck := c.random.Float64

	if luck() < c.loss.Junk {
		c.Queue.Send(`{"Records":[{"eventSource":"aws:s3","s3":{"object":{"key":"%zz"}}}, 7]`)
	}

	if luck() < c.loss.Drop {
		return
	}

	if luck() < c.loss.Hold {
		c.held = append(c.held, body)
		return
	}

	c.Queue.Send(body)

	if luck() < c.loss.Repeat {
		c.Queue.Send(body)
	}

	// What was held comes after what it should have come before.
	if len(c.held) > 0 && luck() < c.loss.Hold {
		c.Queue.Send(c.held[0])
		c.held = c.held[1:]
	}
}

// Register makes a node known to Systems Manager.
func (c *Chain) Register(n *fleet.Node) *command.Instance {
	return c.Commands.Register(n.Name, map[string]string{tagKey: tagValue}, n.Poke)
}
