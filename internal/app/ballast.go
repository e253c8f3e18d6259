package app

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"go.uber.org/fx"

	"ttpworker/internal/pipeline"
)

// startBallast is the size, in bytes, of a block that is there while rules are loaded. It is never written to, so the system gives no
// memory for it, but Go counts it: Go collects when the heap has doubled, and would do that over and over while a small heap grows,
// for a quarter of the time that a start takes. With the ballast it collects after some dozens of megabytes instead. A start takes as
// much memory on top, until giveBack is over.
const startBallast = 32 << 20

// giveBack is how long after the first plan the memory that loading took goes back to the system: not while the first events
// are waited for.
const giveBack = 2 * time.Second

// holdBallast holds the ballast from start until there is a plan. What loading took besides goes back then.
func holdBallast(lc fx.Lifecycle, sd fx.Shutdowner, log *slog.Logger, plans *pipeline.Plans) {
	supervise(lc, sd, log, "ballast", func(ctx context.Context) error {
		ballast := make([]byte, startBallast)
		select {
		case <-plans.Ready():
		case <-ctx.Done():
		}
		runtime.KeepAlive(ballast)
		select {
		case <-time.After(giveBack):
			debug.FreeOSMemory()
			<-ctx.Done()
		case <-ctx.Done():
		}
		return nil
	})
}
