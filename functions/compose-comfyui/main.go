// Command compose-comfyui is a Crossplane composition function: it turns one
// ComfyUIStudio into everything that a studio is made of.
package main

import (
	"context"
	"crypto/rand"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	function "github.com/crossplane/function-sdk-go"
	"github.com/prometheus/client_golang/prometheus"
)

// cli are the flags. The names are those of Crossplane's function template.
type cli struct {
	Debug              bool   `help:"Log every run." short:"d"`
	Network            string `default:"tcp" help:"Network on which to listen for gRPC connections."`
	Address            string `default:":9443" help:"Address at which to listen for gRPC connections."`
	TLSCertsDir        string `env:"TLS_SERVER_CERTS_DIR" help:"Directory with tls.crt, tls.key and ca.crt; clients must show a certificate that ca.crt signed."`
	Insecure           bool   `help:"Serve without mTLS. For local use: Crossplane always uses mTLS."`
	MaxRecvMessageSize int    `default:"32" help:"Largest request in MiB. A studio of 200 resources is about 5 MiB, over gRPC's default of 4."`
	AgentImage         string `help:"Repository to take the studio-agent image from, in place of the one it is published in."`
	AgentRelease       string `help:"File that describes a studio-agent image of your own (image, digest, nodeDaemonSHA256, lambdaSHA256, modelFetcherSHA256), in place of the published one." type:"existingfile"`
	MetricsAddress     string `default:":8080" help:"Address of the Prometheus metrics, or empty for none."`
}

func main() {
	c := &cli{}
	kctx := kong.Parse(c, kong.Description("Composes ComfyUI studios on AWS."))

	log, err := function.NewLogger(c.Debug)
	kctx.FatalIfErrorf(err)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	release, err := c.release()
	kctx.FatalIfErrorf(err)

	registry := prometheus.NewRegistry()
	kctx.FatalIfErrorf(serve(ctx, c, &Function{log: log, metrics: newMetrics(registry), parts: parts(), release: release, random: rand.Reader}, registry))
}
