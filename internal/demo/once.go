package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

const (
	// settleTimeout is how long tags and control records may take to come out of Kafka.
	settleTimeout = 30 * time.Second
	// settleEvery is how often the demo looks whether they have.
	settleEvery = 50 * time.Millisecond
)

// orderShadow puts the script's rule in state shadow, through the state topic. The worker reads that before its
// first event.
func (d *demo) orderShadow(ctx context.Context) error {
	cfg := d.Config
	cfg.Kafka.Brokers = yamlx.Strings(d.cluster.Brokers()) // a client of the broker that runs, not another broker
	return app.WithStates(ctx, cfg, d.Log, func(s *store.States) error {
		order := store.State{RuleID: d.script.Shadow, State: tagger.Shadow, Reason: "shows the shadow topic", SetBy: "demo"}
		if err := s.SetState(ctx, order); err != nil {
			return err
		}
		d.printer.change(store.Change{Kind: store.StateChanged, RuleID: order.RuleID, State: order}, time.Now())
		return nil
	})
}

// once plays the script, waits until Kafka has given back all that comes of it, compares, prints a table, and
// holds the broker for others.
func (d *demo) once(ctx context.Context) error {
	all, err := d.script.once(time.Now())
	if err != nil {
		return err
	}
	plan := d.plan()
	want, err := findings(all, plan)
	if err != nil {
		return err
	}
	if err := d.sensors.play(ctx, all, shortPause); err != nil {
		return err
	}
	settleCtx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	late := d.settle(settleCtx, plan.Rules)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	faults := d.harvest.faults(all, want)
	if late != nil {
		faults = append(faults, strings.ReplaceAll(late.Error(), "\n", ": "))
	}
	d.printer.line("\n" + d.harvest.table() + d.tally.total(time.Now()) + "\n" + d.verdict(faults))
	d.hold(ctx)
	if len(faults) > 0 {
		return errors.New("not as expected: see above")
	}
	return nil
}

// plan compiles the rules anew, apart from the worker's, under the one order that there is.
func (d *demo) plan() *pipeline.Plan {
	rules, _ := app.LoadRules(d.Config, []string{d.Config.RuleStore.Dir}) // the worker tells the faults
	standing := func(id string) tagger.Standing {
		if id == d.script.Shadow {
			return tagger.Standing{State: tagger.Shadow}
		}
		return tagger.DefaultStanding()
	}
	monitor := tagger.NewMonitor(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	return pipeline.NewPlan(rules, standing, monitor)
}

// settle returns when all events were committed, the reader has handed over all that came of them, and the
// catalogue names so many rules.
func (d *demo) settle(ctx context.Context, rules int) error {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		done, err := d.reader.caughtUp(ctx, d.Config.Kafka.Group, d.sensors.topic)
		if done && err == nil {
			done, err = d.catalogued(ctx, rules)
		}
		if done && err == nil {
			return nil
		}
		select {
		case <-tick.C: // an error may be about a group that is not there yet
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("not all came out of Kafka within %s", settleTimeout), err)
		}
	}
}

// catalogued reports whether the topic of live rules names at least so many.
func (d *demo) catalogued(ctx context.Context, rules int) (bool, error) {
	live := map[string]bool{}
	err := d.cluster.ReadAll(ctx, d.Config.Topics.Reloaded.Name, func(r *kafka.Record) { live[string(r.Key)] = r.Value != nil })
	named := 0
	for _, is := range live {
		if is {
			named++
		}
	}
	return named >= rules, err
}

// verdict says how it came out.
func (d *demo) verdict(faults []string) string {
	if len(faults) == 0 {
		return "as expected: every tag of the script came out of Kafka exactly once, what is no event as a dead letter, untouched"
	}
	text := "not as expected:\n  " + strings.Join(faults, "\n  ")
	if !d.made {
		text += "\n  (" + d.Config.RuleStore.Dir + " was there already: edited rules give other tags)"
	}
	return text
}

// hold keeps the broker up until the time is over or ctx ends.
func (d *demo) hold(ctx context.Context) {
	if d.Hold <= 0 {
		return
	}
	broker := d.cluster.Brokers()[0]
	var lines strings.Builder
	fmt.Fprintf(&lines, "\nbroker %s stays up for %s (Ctrl-C ends it now); read for example\n", broker, d.Hold)
	t := d.Config.Topics
	for _, name := range []string{d.sensors.topic, t.Tags.Name, t.Shadow.Name, t.DLQ.Name, t.Reloaded.Name, t.State.Name, t.Archive.Name} {
		lines.WriteString("  " + kcat(broker, name) + "\n")
	}
	d.printer.line(lines.String())
	_ = wait(ctx, d.Hold) // either end is the end
}
