package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"ttpworker/internal/pipeline"
)

func TestGraph(t *testing.T) {
	t.Parallel()
	var told pipeline.Told
	err := fx.ValidateApp(Options(DefaultConfig(), &Connection{}, slog.New(slog.DiscardHandler), told))
	if err != nil {
		t.Errorf("ValidateApp = %v", err)
	}
}

// supervised is an application of one component.
func supervised(t *testing.T, run func(context.Context) error) *fxtest.App {
	t.Helper()
	return fxtest.New(t, fx.NopLogger, fx.Invoke(func(lc fx.Lifecycle, sd fx.Shutdowner) {
		supervise(lc, sd, slog.New(slog.DiscardHandler), "thing", run)
	}))
}

func TestSuperviseEndsAComponentAndWaitsForIt(t *testing.T) {
	t.Parallel()
	ended := false
	app := supervised(t, func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(20 * time.Millisecond) // what stopping takes
		ended = true
		return nil
	})
	app.RequireStart()
	if err := app.Stop(t.Context()); err != nil || !ended {
		t.Errorf("Stop = %v, ended %v, want nil and the component ended", err, ended)
	}
}

// Seen when the state topic could not be read: the store and whoever follows it ended at once, and the race detector
// found both in fx.
func TestComponentsMayEndAtTheSameMoment(t *testing.T) {
	t.Parallel()
	gave := errors.New("gave up")
	now := make(chan struct{})
	app := fxtest.New(t, fx.NopLogger, fx.Decorate(oneByOne), fx.Invoke(func(lc fx.Lifecycle, sd fx.Shutdowner) {
		for range 8 {
			supervise(lc, sd, slog.New(slog.DiscardHandler), "thing", func(context.Context) error {
				<-now
				return gave
			})
		}
	}))
	app.RequireStart()
	close(now)
	if sig := <-app.Wait(); sig.ExitCode != 1 {
		t.Errorf("exit code %d, want 1", sig.ExitCode)
	}
	if err := app.Stop(t.Context()); !errors.Is(err, gave) {
		t.Errorf("Stop = %v, want what the components said", err)
	}
}

func TestAComponentOutlivesTheContextItWasStartedWith(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	app := supervised(t, func(ctx context.Context) error {
		defer close(ended)
		<-ctx.Done()
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	if err := app.Start(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-ended:
		t.Error("the component ended with the context of Start, whose deadline is not its own")
	case <-time.After(50 * time.Millisecond):
	}
	app.RequireStop()
}

func TestAComponentThatEndsByItselfStopsTheApplicationWithItsError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, want := range map[string]error{"an error": broken, "no error": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := supervised(t, func(context.Context) error { return want })
			if err := app.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if sig := <-app.Wait(); sig.ExitCode != 1 {
				t.Errorf("exit code = %d, want 1", sig.ExitCode)
			}
			if err := app.Stop(t.Context()); !errors.Is(err, want) {
				t.Errorf("Stop = %v, want %v", err, want)
			}
		})
	}
}

func TestAComponentThatDoesNotEndIsNamed(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	lc, app := &hooks{}, &shutdowner{}
	supervise(lc, app, slog.New(slog.DiscardHandler), "thing", func(context.Context) error {
		<-release
		return nil
	})
	if err := lc.hook.OnStart(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := lc.hook.OnStop(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "stopping thing: ") {
		t.Errorf("OnStop = %v, want stopping thing: a passed deadline", err)
	}
}

// hooks keeps the one hook that is appended to it.
type hooks struct{ hook fx.Hook }

func (h *hooks) Append(hook fx.Hook) { h.hook = hook }

type shutdowner struct{}

func (shutdowner) Shutdown(...fx.ShutdownOption) error { return nil }
