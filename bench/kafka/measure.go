package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// A bench measures on one broker.
type bench struct {
	settings
	dir     string
	brokers []string
	values  [][]byte
	groups  int // made so far
}

// A kind is one row of a table.
type kind struct {
	name     string
	rules    int // -1 = a copy
	replicas int
	sessions int
	own      bool // topics of tags that no other run writes to
	retag    bool // of what the kind before has tagged, which has its own
}

func (k kind) isCopy() bool { return k.rules < 0 }

// A figure is what one run came to.
type figure struct {
	perSecond    float64 // records per second
	perCPUSecond float64 // records per second of the processes' CPU time
	rss          int64   // the most resident memory of one process, in KiB
}

// throughput measures all kinds, in turn, so that what slows the machine down for a while slows all of them, and prints
// the medians.
func (b *bench) throughput(ctx context.Context, out io.Writer) error {
	kinds := []kind{{name: "copy", rules: -1, replicas: 1, sessions: 1}}
	for _, n := range counts {
		kinds = append(kinds, kind{name: fmt.Sprintf("worker, %d rules", n), rules: n, replicas: 1, sessions: 1})
	}
	kinds = append(kinds,
		kind{name: "worker, 60 rules again", rules: 60, replicas: 1, sessions: 1, own: true},
		kind{name: "retag, 60 rules", rules: 60, retag: true},
		kind{name: "worker, 60 rules, 2 sessions", rules: 60, replicas: 1, sessions: 2},
		kind{name: "worker, 60 rules, 2 replicas", rules: 60, replicas: 2, sessions: 1},
		kind{name: "worker, 60 rules, 3 replicas", rules: 60, replicas: 3, sessions: 1})
	figures := make([][]figure, len(kinds))
	for run := range b.runs {
		for i, k := range kinds {
			measure := b.measure
			if k.retag {
				measure = b.measureRetag
			}
			f, err := measure(ctx, k)
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			fmt.Fprintf(os.Stderr, "run %d of %d, %s: %.0f records/s, %.0f per CPU second\n", run+1, b.runs, k.name, f.perSecond, f.perCPUSecond)
			figures[i] = append(figures[i], f)
		}
	}
	ceiling := median(figures[0], func(f figure) float64 { return f.perCPUSecond })
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\trecords/s\tper CPU second\tof copy\tRSS\t")
	for i, k := range kinds {
		cpu := median(figures[i], func(f figure) float64 { return f.perCPUSecond })
		rate := median(figures[i], func(f figure) float64 { return f.perSecond })
		rss := median(figures[i], func(f figure) float64 { return float64(f.rss) / 1024 })
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.2f\t%.0f MB\t\n", k.name, rate, cpu, cpu/ceiling, rss)
	}
	return w.Flush()
}

func median[T any](of []T, value func(T) float64) float64 {
	all := make([]float64, len(of))
	for i, f := range of {
		all[i] = value(f)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// measure takes a new group through the whole input and measures from its first commit to its last.
func (b *bench) measure(ctx context.Context, k kind) (f figure, err error) {
	b.groups++
	group := "bench-" + strconv.Itoa(b.groups)
	procs, err := b.start(ctx, k, group, events)
	if err != nil {
		return f, err
	}
	defer func() {
		for _, p := range procs {
			err = errors.Join(err, p.end())
		}
	}()
	cl, err := b.client()
	if err != nil {
		return f, err
	}
	defer cl.Close()
	progress := func() int64 { return committed(ctx, kadm.NewClient(cl), group) }
	// All replicas take part from here on, and nobody compiles rules any more.
	first, began, err := b.await(ctx, progress, int64(b.records)/10)
	if err != nil {
		return f, err
	}
	before, _, err := usages(procs)
	if err != nil {
		return f, err
	}
	last, ended, err := b.await(ctx, progress, int64(b.records))
	if err != nil {
		return f, err
	}
	after, rss, err := usages(procs)
	if err != nil {
		return f, err
	}
	n := float64(last - first)
	return figure{perSecond: n / ended.Sub(began).Seconds(), perCPUSecond: n / (after - before).Seconds(), rss: rss}, nil
}

// runTimeout bounds one run.
const runTimeout = 3 * time.Minute

// await returns when so many records are committed.
func (b *bench) await(ctx context.Context, progress func() int64, want int64) (int64, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	for {
		n := progress()
		if n >= want {
			return n, time.Now(), nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return 0, time.Time{}, fmt.Errorf("%d of %d records: %w", n, want, ctx.Err())
		}
	}
}

// committed is how many records of the input a group has committed, as far as can be told: the input has no gaps.
func committed(ctx context.Context, adm *kadm.Client, group string) (sum int64) {
	offsets, err := adm.FetchOffsets(ctx, group)
	if err != nil {
		return 0 // the coordinator is not there yet
	}
	offsets.Each(func(o kadm.OffsetResponse) { sum += max(o.At, 0) })
	return sum
}

// A process is a child.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// start starts the processes of a kind.
func (b *bench) start(ctx context.Context, k kind, group, input string) ([]*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var procs []*process
	for i := range k.replicas {
		args := []string{childArg, "-brokers", strings.Join(b.brokers, ","), "-group", group, "-replica", strconv.Itoa(i), "-sessions", strconv.Itoa(k.sessions), "-input", input}
		if !k.isCopy() {
			args = append(args, "-rules", rulesDir(b.dir, k.rules))
		}
		if k.own {
			args = append(args, "-own")
		}
		if b.profile != "" {
			name := strings.NewReplacer(" ", "_", ",", "").Replace(k.name)
			args = append(args, "-profile", filepath.Join(b.profile, name+".pprof"))
		}
		p := &process{cmd: exec.CommandContext(ctx, self, args...)} //nolint:gosec // this program
		p.cmd.Stderr = os.Stderr
		var err error
		if p.in, err = p.cmd.StdinPipe(); err != nil {
			return nil, err
		}
		out, err := p.cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		p.out = bufio.NewScanner(out)
		if err := p.cmd.Start(); err != nil {
			return nil, err
		}
		procs = append(procs, p)
	}
	return procs, nil
}

// usages sums what the processes have used, and finds the most memory of one.
func usages(procs []*process) (cpu time.Duration, rss int64, err error) {
	for _, p := range procs {
		if _, err := io.WriteString(p.in, "usage\n"); err != nil {
			return 0, 0, err
		}
	}
	for _, p := range procs {
		if !p.out.Scan() {
			return 0, 0, errors.New("a process ended by itself")
		}
		var u usage
		if err := json.Unmarshal(p.out.Bytes(), &u); err != nil {
			return 0, 0, err
		}
		cpu += u.CPU
		rss = max(rss, u.RSS)
	}
	return cpu, rss, nil
}

// end has the process end in good order.
func (p *process) end() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}
