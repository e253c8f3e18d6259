package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
)

// retagged is what a retag came to.
type retagged struct {
	Events, Records int
	Took            time.Duration // reading the tags that are there included
	Usage           usage
}

// measureRetag retags what the group before has tagged, under the same rules: nothing differs, and all is read and evaluated.
func (b *bench) measureRetag(ctx context.Context, k kind) (figure, error) {
	self, err := os.Executable()
	if err != nil {
		return figure{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	group := "bench-" + strconv.Itoa(b.groups)
	cmd := exec.CommandContext(ctx, self, childArg, "-brokers", strings.Join(b.brokers, ","), "-group", group, "-rules", rulesDir(b.dir, k.rules), "-own", "-retag") //nolint:gosec // this program
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return figure{}, fmt.Errorf("retag: %w", err)
	}
	var r retagged
	if err := json.Unmarshal(out, &r); err != nil {
		return figure{}, err
	}
	if r.Records > 0 || r.Events < b.records {
		return figure{}, fmt.Errorf("retag of %d events wrote %d records, want none, and %d events", r.Events, r.Records, b.records)
	}
	n := float64(r.Events)
	return figure{perSecond: n / r.Took.Seconds(), perCPUSecond: n / r.Usage.CPU.Seconds(), rss: r.Usage.RSS}, nil
}

// childRetag is a process that retags all that its group has tagged and writes what it came to.
func childRetag(cfg app.Config) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	start := time.Now()
	out, err := app.RetagHistory(context.Background(), cfg, log, app.Retag{From: kafka.Earliest, To: kafka.Now, Memory: 1 << 30})
	if err != nil {
		return err
	}
	r := retagged{Events: out.Report.Events, Records: out.Report.Records, Took: time.Since(start)}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return err
	}
	r.Usage = usage{CPU: time.Duration(u.Utime.Nano() + u.Stime.Nano()), RSS: u.Maxrss}
	return json.NewEncoder(os.Stdout).Encode(r)
}
