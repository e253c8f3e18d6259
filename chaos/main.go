package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := chaos(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// chaos is one run. What went wrong is an error.
func chaos(ctx context.Context, args []string) error {
	cfg, err := parseFlags(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return fmt.Errorf("making a place for logs and data: %w", err)
	}
	r := newRun(cfg, os.Stdout)
	err = r.do(ctx, dir)
	if err != nil || cfg.keep {
		r.say("logs and data stay in %s", dir)
		return err
	}
	return os.RemoveAll(dir)
}
