package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"ttpworker/internal/registry"
	"ttpworker/internal/wire"
)

// A Subject is where the schema registry keeps the schemas of a topic's values.
type Subject struct {
	Name   string
	Record wire.Record // what we read or write there
	Input  bool        // others write there, too, maybe under schemas of their own
}

// Subjects are those of the configured topics: a topic's name and -value. Input in a format without schemas has none,
// nor has the topic of dead letters, as its values are those of the input, whatever they are.
func Subjects(cfg Config) []Subject {
	var all []Subject
	for _, topic := range schemaTopics(cfg) {
		all = append(all, Subject{topic + "-value", wire.EventRecord, true})
	}
	return append(all,
		Subject{Name: cfg.Topics.Tags.Name + "-value", Record: wire.TagRecord},
		Subject{Name: cfg.Topics.Shadow.Name + "-value", Record: wire.TagRecord},
		Subject{Name: cfg.Topics.Reloaded.Name + "-value", Record: wire.RuleReloadedRecord},
		Subject{Name: cfg.Topics.State.Name + "-value", Record: wire.RuleStateRecord},
		Subject{Name: cfg.Topics.Archive.Name + "-value", Record: wire.RuleArchiveRecord})
}

// schemaTopics are the input topics whose records may have schemas.
func schemaTopics(cfg Config) []string {
	if cfg.Input.Format != wire.TaggerEvent {
		return nil
	}
	return cfg.InputTopics()
}

// newEncoder writes as configured. ids are those of our schemas, if they are written.
func newEncoder(cfg Config, ids map[wire.Record]uint32) (*wire.Encoder, error) {
	if cfg.Output.Framing == wire.Confluent {
		return wire.NewConfluentEncoder(ids), nil
	}
	return wire.NewEncoder(cfg.Output.Framing)
}

// newDecoder knows ids from the start.
func newDecoder(cfg Config, ids map[wire.Record]uint32) (*wire.Decoder, error) {
	dec, err := wire.NewDecoderOf(cfg.Input.Format, cfg.Limits.Limits)
	if err != nil {
		return nil, err
	}
	for r, id := range ids {
		if err := dec.Learn(wire.RefByID(id), "", wire.SchemaText(r)); err != nil {
			return nil, err
		}
	}
	return dec, nil
}

// askPause is the pause before the registry is asked again at the start.
const askPause = 500 * time.Millisecond

// registeredIDs are the ids that the registry has given our schemas, nil if they are not written. A registry that does
// not answer is asked for kafka.start_timeout.
func registeredIDs(ctx context.Context, cfg Config) (map[wire.Record]uint32, error) {
	if cfg.Output.Framing != wire.Confluent {
		return nil, nil //nolint:nilnil // see above
	}
	c, err := registry.NewClient(cfg.Registry, registry.NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, cfg.Kafka.StartTimeout)
	defer cancel()
	for {
		ids, err := lookUpIDs(ctx, cfg, c)
		out, down := errors.AsType[*registry.OutageError](err)
		if !down {
			return ids, err
		}
		select {
		case <-time.After(askPause):
		case <-ctx.Done():
			return nil, fmt.Errorf("looking up the ids that output.framing confluent writes: %w", out)
		}
	}
}

func lookUpIDs(ctx context.Context, cfg Config, c *registry.Client) (map[wire.Record]uint32, error) {
	ids := map[wire.Record]uint32{}
	var errs []error
	for _, s := range Subjects(cfg) {
		if s.Input {
			continue
		}
		got, err := c.Lookup(ctx, s.Name, wire.SchemaText(s.Record))
		_, written := ids[s.Record]
		switch {
		case errors.Is(err, registry.ErrNotFound):
			errs = append(errs, fmt.Errorf("the schema of %s is not registered under %s: run `worker schemas register`", s.Record, s.Name))
		case err != nil:
			return nil, err
		case !written: // of tags and shadow tags the first: readers go by the id alone
			ids[s.Record] = got.ID
		}
	}
	return ids, errors.Join(errs...)
}

// newResolver asks the registry for what the decoder does not know, if there is one.
func newResolver(
	lc fx.Lifecycle, sd fx.Shutdowner, cfg Config, dec *wire.Decoder, log *slog.Logger, reg prometheus.Registerer,
) (*registry.Resolver, error) {
	r, run, err := buildResolver(cfg, dec, log, reg)
	if err == nil {
		supervise(lc, sd, log, "schema resolver", run)
	}
	return r, err
}

// startResolver is newResolver for a command: it runs until ctx ends, and await returns when it has.
func startResolver(ctx context.Context, cfg Config, dec *wire.Decoder, log *slog.Logger) (r *registry.Resolver, await func(), err error) {
	r, run, err := buildResolver(cfg, dec, log, prometheus.NewRegistry())
	if err != nil {
		return nil, nil, err
	}
	ended := make(chan struct{})
	go func() { // ends with ctx, awaited by await
		defer close(ended)
		_ = run(ctx) // nil, always
	}()
	return r, func() { <-ended }, nil
}

func buildResolver(
	cfg Config, dec *wire.Decoder, log *slog.Logger, reg prometheus.Registerer,
) (r *registry.Resolver, run func(context.Context) error, err error) {
	metrics := registry.NewMetrics(reg)
	var client *registry.Client
	if cfg.Registry.Configured() {
		if client, err = registry.NewClient(cfg.Registry, metrics); err != nil {
			return nil, nil, err
		}
	}
	var subjects []string
	for _, topic := range schemaTopics(cfg) {
		subjects = append(subjects, topic+"-value")
	}
	r = registry.NewResolver(client, dec, subjects, cfg.Kafka.SchemaWait, log, metrics)
	run = func(ctx context.Context) error {
		if client != nil {
			defer client.Close()
		}
		return r.Run(ctx)
	}
	return r, run, nil
}
