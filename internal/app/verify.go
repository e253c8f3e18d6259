package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/kafka"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/produce"
	"ttpworker/internal/registry"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/verify"
	"ttpworker/internal/wire"
)

// A Verification is what Verify has found, and under what.
type Verification struct {
	verify.Report

	Plan  string // digest
	Rules int    // of the plan
}

// UnderOther are the partitions that the live workers have under another plan.
func (v *Verification) UnderOther() []verify.Partition {
	var out []verify.Partition
	for _, p := range v.Partitions {
		if p.Cut >= 0 && p.Plan != v.Plan {
			out = append(out, p)
		}
	}
	return out
}

// Verify holds what the live workers have written against the plan of rules: under the operators' orders as they are
// now, or with ignoreStates under none. It fills in what job leaves open: cluster, group, topics unless some are named,
// plan and codec.
func Verify(ctx context.Context, cfg Config, log *slog.Logger, rules []*rule.Rule, ignoreStates bool, job verify.Job) (Verification, error) {
	var v Verification
	standing, err := standingOrders(ctx, cfg, log, ignoreStates)
	if err != nil {
		return v, err
	}
	plan := pipeline.NewPlan(rules, standing, tagger.NewMonitor(log, prometheus.NewRegistry()))
	v.Plan, v.Rules = plan.Digest, plan.Rules
	conn, err := Reach(ctx, cfg, log)
	if err != nil {
		return v, err
	}
	defer conn.Close()
	job.Cluster, job.Group, job.Plan = conn.Cluster, cfg.Kafka.Group, plan
	if len(job.Topics) == 0 {
		job.Topics = cfg.InputTopics()
	}
	for _, name := range job.Topics {
		if err := conn.needs(ctx, name, "input.topics"); err != nil {
			return v, err
		}
	}
	var done func()
	if job.Codec, done, err = conn.historyCodec(ctx, cfg, log); err != nil {
		return v, err
	}
	defer done()
	v.Report, err = job.Run(ctx)
	return v, err
}

// learning reads what may be of a schema that the registry has to be asked for. One that it does not have is a
// *wire.Error; without an answer it waits.
func learning[T any](ctx context.Context, schemas *registry.Resolver, read func() (T, error)) (T, error) {
	v, err := read()
	missing, ok := errors.AsType[*wire.MissingSchemaError](err)
	if !ok {
		return v, err
	}
	if why := schemas.Await(ctx, missing.Ref); why != nil {
		if ctx.Err() != nil {
			return v, ctx.Err()
		}
		return v, &wire.Error{Class: wire.UnknownSchema, Err: why}
	}
	return read()
}

// historyCodec reads the events and tags that are there, whatever they were framed by, and writes tags as the workers do: for a
// command. The topics of tags must be there. A schema that the registry does not have is not waited for. Call done when it is over.
func (c *Connection) historyCodec(ctx context.Context, cfg Config, log *slog.Logger) (codec verify.Codec, done func(), err error) {
	if c.ids, err = registeredIDs(ctx, cfg); err != nil {
		return codec, nil, err
	}
	found, err := c.Cluster.Topics(ctx, cfg.Topics.Tags.Name, cfg.Topics.Shadow.Name)
	if err != nil {
		return codec, nil, err
	}
	for key, name := range map[string]string{"topics.tags.name": cfg.Topics.Tags.Name, "topics.shadow.name": cfg.Topics.Shadow.Name} {
		if _, ok := found[name]; !ok {
			return codec, nil, fmt.Errorf("topic %s does not exist (%s): run `worker topics ensure`", name, key)
		}
	}
	enc, encErr := newEncoder(cfg, c.ids)
	dec, decErr := c.NewDecoder(cfg)
	if err := errors.Join(encErr, decErr); err != nil {
		return codec, nil, err
	}
	cfg.Kafka.SchemaWait = 0
	ctx, cancel := context.WithCancel(ctx)
	schemas, await, err := startResolver(ctx, cfg, dec, log)
	if err != nil {
		cancel()
		return codec, nil, err
	}
	codec = verify.Codec{
		Event: func(ctx context.Context, rec *kafka.Record) (tagger.TaggerEvent, error) {
			return learning(ctx, schemas, func() (tagger.TaggerEvent, error) {
				ev, _, err := dec.Event(rec.Value, rec.Time)
				return ev, err
			})
		},
		Tag: func(ctx context.Context, value []byte) (tagger.Tag, error) {
			return learning(ctx, schemas, func() (tagger.Tag, error) {
				t, _, err := dec.Tag(value)
				return t, err
			})
		},
		Outputs: tagOutputs(cfg, enc, found),
	}
	return codec, func() { cancel(); await() }, nil
}

// tagOutputs are where tags go, by the topics as they are.
func tagOutputs(cfg Config, enc *wire.Encoder, found map[string]kafka.Topic) produce.Outputs {
	tags, shadow := found[cfg.Topics.Tags.Name], found[cfg.Topics.Shadow.Name]
	return produce.Outputs{
		Encoder: enc, Tags: cfg.Topics.Tags.Name, Shadow: cfg.Topics.Shadow.Name,
		MaxBytes: min(cmp.Or(tags.MaxMessage, shadow.MaxMessage), cmp.Or(shadow.MaxMessage, tags.MaxMessage)),
	}
}
