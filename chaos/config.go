package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"ttpworker/internal/kafka"
)

// What a run is made of.
const (
	replicas   = 3
	brokers    = 3
	partitions = 6
	group      = "ttp-worker"
)

// The workers' timeouts. They are shorter than the defaults, so that what takes a session timeout comes often. A transaction
// must outlive the loss of a broker, which takes up to five seconds on a busy machine: one that the brokers give up meanwhile
// is not over before the dead broker is back, as its partitions need the mark of the end, and so costs ten seconds more.
const (
	sessionTimeout     = 8 * time.Second
	transactionTimeout = 6 * time.Second
	rebalanceTimeout   = 10 * time.Second
	endTimeout         = sessionTimeout + rebalanceTimeout + time.Second
)

// A config says what to run.
type config struct {
	duration time.Duration
	seed     uint64
	rate     int
	worker   string
	kinds    []Kind
	unnamed  bool
	set      []string // environment variables of the workers
	relaxed  bool     // at least once: tags may come again
	slack    float64  // what bounds of gaps are multiplied by
	keep     bool
}

// parseFlags reads the command line.
func parseFlags(args []string) (config, error) {
	var c config
	var only string
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.DurationVar(&c.duration, "duration", 2*time.Minute, "how long faults go on; each kind comes once in any case")
	flags.Uint64Var(&c.seed, "seed", 0, "of the faults, the edits and the events; 0 = one by chance, which is printed")
	flags.IntVar(&c.rate, "rate", 600, "events per second")
	flags.StringVar(&c.worker, "worker", "bin/worker", "the program to run")
	flags.StringVar(&only, "only", "", "kinds of faults, separated by commas, each by the beginning of its name; \"\" = all")
	flags.BoolVar(&c.unnamed, "unnamed", false, "give the workers no kafka.replica: each start is a new member")
	flags.Float64Var(&c.slack, "slack", 1, "multiply the bounds of gaps, on a machine that is busy with other things")
	flags.BoolVar(&c.keep, "keep", false, "keep logs and data although nothing was wrong")
	flags.Func("set", "`key=value` of the workers' configuration, such as kafka.sessions=2; can be given several times", func(text string) error {
		key, value, ok := strings.Cut(text, "=")
		c.set = append(c.set, "DECNET_TTP_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))+"="+value)
		c.relaxed = c.relaxed || key == "kafka.delivery" && value == string(kafka.AtLeastOnce)
		if !ok {
			return errors.New("want key=value")
		}
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if c.rate < 1 || c.slack < 1 || flags.NArg() > 0 {
		return c, errors.New("want a positive -rate, a -slack of 1 or more, and no further arguments")
	}
	var err error
	c.kinds, err = named(only)
	return c, err
}

// named finds kinds of faults by the beginnings of their names.
func named(only string) ([]Kind, error) {
	if only == "" {
		return kinds(), nil
	}
	var found []Kind
	for name := range strings.SplitSeq(only, ",") {
		before := len(found)
		for _, k := range kinds() {
			if strings.HasPrefix(string(k), name) && !slices.Contains(found, k) {
				found = append(found, k)
			}
		}
		if len(found) == before {
			return nil, fmt.Errorf("no kind of fault begins with %q", name)
		}
	}
	return found, nil
}
