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

// startBallast is memory that is allocated and never written to while rules are loaded, in bytes. The collector runs when the
// heap has doubled, so a small heap that grows is collected over and over: a quarter of what a start costs. This way it waits
// for a few dozen megabytes, which is also the most that the start then needs on top, until giveBack is over; the ballast itself takes no memory.
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
