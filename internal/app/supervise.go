package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"go.uber.org/fx"
)

// supervise runs a component between start and stop of the application. run must return soon after its context
// ends; if it returns earlier, the application stops with exit code 1, and run's error is the stop's.
func supervise(lc fx.Lifecycle, sd fx.Shutdowner, log *slog.Logger, name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background()) // not OnStart's: that one has a deadline
	done := make(chan error, 1)
	work := func() {
		err := run(ctx)
		if ctx.Err() == nil {
			_ = sd.Shutdown(fx.ExitCode(1)) // fails only if the application stops already
		}
		done <- err
	}
	stop := func(stopCtx context.Context) error {
		cancel()
		select {
		case err := <-done:
			log.Debug("component stopped", "component", name)
			return err
		case <-stopCtx.Done():
			return fmt.Errorf("stopping %s: %w", name, stopCtx.Err())
		}
	}
	lc.Append(fx.StartStopHook(func() { go work() }, stop))
}

// oneByOne has components that end at the same moment end the application one after the other: fx writes their exit
// codes into the same place.
func oneByOne(sd fx.Shutdowner) fx.Shutdowner { return &turnstile{shutdowner: sd} }

type turnstile struct {
	mu         sync.Mutex
	shutdowner fx.Shutdowner
}

func (s *turnstile) Shutdown(opts ...fx.ShutdownOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shutdowner.Shutdown(opts...)
}
