//go:build bed

// This file is compiled into provider-kubernetes' own main package, beside what
// upstream has there. It changes the two ports that upstream has no flag for, so
// that two beds can run at once. Nothing else of the provider is touched.
package main

import (
	"log"
	"os"
	"strconv"

	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
)

func init() {
	port, err := strconv.Atoi(os.Getenv("BED_WEBHOOK_PORT"))
	if err != nil {
		log.Fatalf("cannot start: BED_WEBHOOK_PORT: %v", err)
	}

	webhook.DefaultPort = port
	metrics.DefaultBindAddress = "127.0.0.1:" + os.Getenv("BED_METRICS_PORT")
}
