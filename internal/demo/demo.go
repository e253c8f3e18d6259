package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/rule"
	"ttpworker/internal/wire"
	"ttpworker/internal/yamlx"
	"ttpworker/rules"
)

// summaryEvery is how often the live demo prints a summary.
const summaryEvery = 5 * time.Second

// Options say what the demo is to be.
type Options struct {
	Config app.Config // kafka.brokers embedded; see DefaultConfig
	Log    *slog.Logger
	Out    io.Writer
	Colour bool
	Once   bool          // play the script once, compare, end
	Hold   time.Duration // with Once: how long the broker stays for other readers
}

// DefaultConfig is that of a demo: everything in this process, free ports, rules to edit in ./demo-rules.
func DefaultConfig() app.Config {
	cfg := app.DefaultConfig()
	cfg.Kafka.Brokers = yamlx.Strings{kafka.EmbeddedBroker}
	cfg.RuleStore.Dir = "demo-rules"
	cfg.Admin.Listen = "127.0.0.1:0"
	cfg.Log.Level = "error" // the demo says in other words what the worker logs below
	return cfg
}

// A demo is one run.
type demo struct {
	Options
	script  *script
	cluster *kafka.Cluster
	decoder *wire.Decoder
	sensors *sensors
	reader  *reader
	printer *printer
	tally   *tally
	harvest *harvest // nil unless Once
	made    bool     // the rule directory is ours
}

// Run runs the demo until ctx ends, which is no error unless Once has still to compare. With Once it ends by itself;
// what did not come out of Kafka as it should is named on Out, and is an error.
func Run(ctx context.Context, o Options) error {
	err := run(ctx, o)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
		if o.Once {
			err = errors.New("interrupted before all that was expected had come out of Kafka")
		}
	}
	return err
}

func run(ctx context.Context, o Options) (err error) {
	if store := &o.Config.RuleStore; store.ListsDir == "" {
		store.ListsDir = filepath.Join(store.Dir, rule.ListsName) // not what else may be called so in the working directory
	}
	d := &demo{Options: o, tally: newTally(time.Now()), printer: &printer{out: o.Out, colour: o.Colour, zone: time.Local}}
	if o.Once {
		d.harvest = &harvest{found: map[finding]int{}}
	}
	if d.script, err = readScript(scriptYAML); err != nil {
		return err
	}
	if d.made, err = placeRules(o.Config.RuleStore.Dir, rules.Pack()); err != nil {
		return err
	}
	conn, err := app.Connect(ctx, o.Config, o.Log)
	if err != nil {
		return err
	}
	defer conn.Close()
	d.cluster = conn.Cluster
	if o.Once {
		if err := d.orderShadow(ctx); err != nil {
			return err
		}
	}
	if d.decoder, err = conn.NewDecoder(o.Config); err != nil {
		return err
	}
	topics := o.Config.Topics
	if d.reader, err = openReader(ctx, d.cluster, topics.Tags.Name, topics.Shadow.Name, topics.DLQ.Name); err != nil {
		return err
	}
	defer d.reader.close()
	if d.sensors, err = newSensors(d.cluster, o.Config.InputTopics()[0], d.tally.event); err != nil {
		return err
	}
	defer d.sensors.close()
	worker, err := app.Start(ctx, o.Config, conn, o.Log, d.printer.change)
	if err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	d.welcome(worker.AdminAddr())
	return d.perform(ctx, worker)
}

// perform runs worker, reader and sensors until ctx ends, one of them gives up, or the script was played once.
func (d *demo) perform(ctx context.Context, worker *app.Worker) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return worker.Wait(gctx) })
	g.Go(func() error { return d.reader.run(gctx, d.take) })
	g.Go(func() error {
		if d.Once {
			defer cancel()
			return d.once(gctx)
		}
		return d.sensors.playLive(gctx, d.script)
	})
	if !d.Once {
		g.Go(func() error { return d.summaries(gctx) })
	}
	return g.Wait()
}

// take is what the reader does with a record.
func (d *demo) take(r *kafka.Record) error {
	if r.Topic == d.Config.Topics.DLQ.Name {
		d.printer.deadLetter(r)
		if d.harvest != nil {
			d.harvest.deadLetter(r)
		}
		return nil
	}
	tag, _, err := d.decoder.Tag(r.Value)
	if err != nil {
		return err
	}
	d.printer.tag(&tag)
	d.tally.tag(&tag)
	if d.harvest != nil {
		d.harvest.tag(&tag, r.Topic == d.Config.Topics.Shadow.Name)
	}
	return nil
}

// summaries prints one every summaryEvery, and one at the end.
func (d *demo) summaries(ctx context.Context) error {
	tick := time.NewTicker(summaryEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			d.printer.line(d.tally.summary(now))
		case <-ctx.Done():
			d.printer.line(d.tally.total(time.Now()))
			return nil
		}
	}
}

// welcome says where everything is and what to try.
func (d *demo) welcome(admin string) {
	broker, dir := d.cluster.Brokers()[0], d.Config.RuleStore.Dir
	shown := dir
	if abs, err := filepath.Abs(dir); err == nil {
		shown = abs
	}
	origin := "was there already and is used as it is"
	if d.made {
		origin = "a copy of those in the binary, made now"
	}
	lines := "broker   " + broker + "\n"
	if admin != "" {
		lines += "admin    http://" + admin + "/metrics, /readyz, /livez\n"
	}
	lines += "rules    " + shown + " (" + origin + ")\n"
	if !d.Once {
		lines += d.hints(broker)
	}
	d.printer.line(lines)
}

// hints are things to try while the demo runs.
func (d *demo) hints(broker string) string {
	const favourite = "R0014"
	all, _ := app.LoadRules(d.Config, []string{d.Config.RuleStore.Dir}) // the worker tells the faults
	var edit *rule.Rule
	for _, r := range all {
		if r.Version != nil && (edit == nil || r.ID == favourite) {
			edit = r
		}
	}
	text := ""
	if edit != nil {
		text = fmt.Sprintf("reload   in %s change `rule_version: %d` to %d and a confidence, and save\n",
			edit.File.Path, *edit.Version, *edit.Version+1)
	}
	return text + fmt.Sprintf("state    worker state set %s disabled --for 1m --brokers %s\nread     %s\nend      Ctrl-C\n",
		cmp.Or(d.script.Shadow, favourite), broker, kcat(broker, d.Config.Topics.Tags.Name))
}

// kcat is a command that shows keys and places of what is in a topic.
func kcat(broker, topic string) string {
	return fmt.Sprintf(`kcat -C -e -q -b %s -t %s -o beginning -f '%%t/%%p/%%o %%k %%h\n'`, broker, topic)
}
