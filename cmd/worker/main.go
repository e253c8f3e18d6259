// Command worker reads attacker telemetry from Kafka and says which MITRE ATT&CK techniques it shows. See
// `worker help` and the README.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes. Scripts rely on them.
const (
	exitFailure  = 1
	exitUsage    = 2
	exitBadInput = 3 // done, but some input was bad
	exitLimit    = 4 // done, but a limit that a flag gives was exceeded
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // lives as long as the process
		<-signals
		cancel()
		<-signals
		os.Exit(exitFailure) // a second signal: at once
	}()
	os.Exit(run(ctx))
}

// run executes the command line and returns the exit code.
func run(ctx context.Context) int {
	root, out := newRoot(), &output{Writer: os.Stdout}
	root.SetOut(out)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = out.failed()
	}
	if err == nil {
		return 0
	}
	code := exitFailure
	if coded, ok := errors.AsType[*codedError](err); ok {
		code = coded.code
		err = coded.err
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
	}
	if code == exitUsage {
		fmt.Fprintf(os.Stderr, "Run `%s --help` for what there is.\n", cmd.CommandPath())
	}
	return code
}

// An output remembers that it could not be written: a command whose result is lost has not done what it was asked for,
// whether it looks at each line that it prints or not. It is safe for concurrent use.
type output struct {
	io.Writer

	mu  sync.Mutex
	err error // the first
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = cmp.Or(o.err, err)
	return n, err
}

func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return fmt.Errorf("writing the output: %w", o.err)
	}
	return nil
}

// A codedError ends the process with a code of its own; with a nil err, silently.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string {
	if e.err == nil {
		return "exit code " + strconv.Itoa(e.code)
	}
	return e.err.Error()
}

// interrupted says plainly that err is no more than that somebody has ended the command.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}

func usage(err error) error {
	if err == nil {
		return nil
	}
	return &codedError{exitUsage, err}
}

// usageArgs makes a mistake in the arguments a usage error that shows what the command takes.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usage(fmt.Errorf("%w: %s", err, cmd.UseLine()))
		}
		return nil
	}
}
