package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

// An editor changes the files of a book and gives orders about its rules, all the while.
type editor struct {
	book    *book
	command []string // worker, and what comes before its verbs
	env     []string

	edits  atomic.Int64
	given  atomic.Int64 // orders
	unsure atomic.Int64 // orders whose command failed; they may be in force all the same
}

// Pauses between two edits and between two orders.
const (
	minEditPause, maxEditPause   = 200 * time.Millisecond, 1200 * time.Millisecond
	minOrderPause, maxOrderPause = 500 * time.Millisecond, 3 * time.Second
)

// wait waits for a time between two by chance, and reports whether ctx goes on.
func wait(ctx context.Context, r *rand.Rand, low, high time.Duration) bool {
	return sleep(ctx, low+time.Duration(r.Int64N(int64(high-low))))
}

// sleep waits and reports whether ctx goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// edit edits files until ctx ends.
func (e *editor) edit(ctx context.Context, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // the same edits for the same seed
	for wait(ctx, random, minEditPause, maxEditPause) {
		id := []string{edited, editedOrdered}[random.IntN(2)]
		if err := e.save(ctx, random, id, text(id, 1+random.IntN(versions))); err != nil {
			return fmt.Errorf("editing a rule: %w", err)
		}
		e.edits.Add(1)
	}
	return nil
}

// save saves a content in one of the ways in which people and programs do.
func (e *editor) save(ctx context.Context, random *rand.Rand, id, text string) error {
	file, aside := fileOf(id), fileOf(id)+".tmp"
	switch random.IntN(5) {
	case 0: // in place
		return e.book.write(id, text)
	case 1: // first a broken one, which must change nothing
		if err := e.book.write(id, text[:len(text)/2]+"\n]\n"); err != nil {
			return err
		}
		wait(ctx, random, minEditPause, maxEditPause)
		return e.book.write(id, text)
	case 2: // gone for a while
		if err := e.book.root.Remove(file); err != nil {
			return err
		}
		wait(ctx, random, minEditPause, maxEditPause)
	}
	if err := e.book.root.WriteFile(aside, []byte(text), 0o600); err != nil {
		return err
	}
	return e.book.root.Rename(aside, file)
}

// order gives orders until ctx ends.
func (e *editor) order(ctx context.Context, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 4)) //nolint:gosec // the same orders for the same seed
	for wait(ctx, random, minOrderPause, maxOrderPause) {
		id := []string{editedOrdered, ordered}[random.IntN(2)]
		args := []string{"state", "clear", id}
		if o := orders()[random.IntN(len(orders()))]; random.IntN(4) > 0 {
			args = []string{"state", "set", id, string(o.State), "--reason", "chaos"}
			if o.ConfidenceMax != nil {
				args = append(args, "--confidence-max", fmt.Sprint(*o.ConfidenceMax))
			}
			if random.IntN(3) == 0 {
				args = append(args, "--for", "2s")
			}
		}
		err := e.worker(ctx, args...)
		if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
			return fmt.Errorf("giving an order: %w", err)
		}
		e.given.Add(1)
		if err != nil {
			e.unsure.Add(1)
		}
	}
	return nil
}

// worker runs a command of the worker to its end.
func (e *editor) worker(ctx context.Context, args ...string) error {
	args = append(e.command[1:len(e.command):len(e.command)], args...)
	cmd := exec.CommandContext(context.WithoutCancel(ctx), e.command[0], args...) //nolint:gosec // a command of ours
	cmd.Env = append(os.Environ(), e.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w: %s", args, err, out)
	}
	return nil
}
