package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notify tells systemd that the daemon is up: at once and not after the first pass,
// which may take long. From then on it says that it is alive, as often as systemd
// asks for.
func notify(ctx context.Context, log *slog.Logger) {
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		log.Warn("cannot tell systemd", "error", err)
	}

	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}

	go func() {
		ticks := time.NewTicker(every / 3)
		defer ticks.Stop()

		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
				_, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog)
			}
		}
	}()
}

// say shows a line in systemctl status.
func say(line string) { _, _ = daemon.SdNotify(false, "STATUS="+line) }
