package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/registry"
	"ttpworker/internal/wire"
)

// A SubjectReport says how a subject of the schema registry stands.
type SubjectReport struct {
	Subject string      `json:"subject"`
	Schema  wire.Record `json:"schema"` // which of ours belongs there
	State   string      `json:"state"`
	ID      uint32      `json:"id,omitempty"`
	Version int         `json:"version,omitempty"`
	Faults  []string    `json:"faults"` // what is wrong, never nil
}

// The states of our schema in a subject.
const (
	SubjectPresent    = "present"    // it was there
	SubjectRegistered = "registered" // it was not, and is now
	SubjectMissing    = "missing"
)

// ErrNoRegistry is what commands about the schema registry say without one.
var ErrNoRegistry = errors.New("schema_registry.urls is empty: there is no schema registry")

// RegisterSchemas registers our schemas under the subjects of the configured topics, where they are not there already.
// A refusal is a fault of its subject. The error is that the registry cannot be asked.
func RegisterSchemas(ctx context.Context, cfg Config) ([]SubjectReport, error) {
	return reportSubjects(ctx, cfg, func(ctx context.Context, c *registry.Client, s Subject, r *SubjectReport) error {
		text := wire.SchemaText(s.Record)
		err := present(ctx, c, s, r)
		if err != nil || r.State == SubjectPresent {
			return err
		}
		if _, err := c.Register(ctx, s.Name, text); err != nil {
			return r.unlessOutage(err, "registering it")
		}
		if err := present(ctx, c, s, r); err != nil {
			return err
		}
		if r.State == SubjectMissing {
			r.fault("it was registered, but the registry does not find it")
			return nil
		}
		r.State = SubjectRegistered
		return nil
	})
}

// CheckSchemas says whether our schemas are registered, and if not whether they could be; and under the subjects of the
// input whether the schemas of others there can be read. The error is that the registry cannot be asked.
func CheckSchemas(ctx context.Context, cfg Config) ([]SubjectReport, error) {
	dec, err := newDecoder(cfg, nil)
	if err != nil {
		return nil, err
	}
	return reportSubjects(ctx, cfg, func(ctx context.Context, c *registry.Client, s Subject, r *SubjectReport) error {
		if err := present(ctx, c, s, r); err != nil {
			return err
		}
		if r.State == SubjectMissing {
			r.fault("it is not registered: run `worker schemas register`")
			why, err := c.Compatible(ctx, s.Name, wire.SchemaText(s.Record))
			if err != nil && !errors.Is(err, registry.ErrNotFound) {
				return r.unlessOutage(err, "asking whether it is compatible")
			}
			for _, text := range why {
				r.fault("it is not compatible with what is there: %s", text)
			}
		}
		if s.Input {
			return readable(ctx, c, dec, s, r)
		}
		return nil
	})
}

// reportSubjects has job report every subject.
func reportSubjects(
	ctx context.Context, cfg Config, job func(context.Context, *registry.Client, Subject, *SubjectReport) error,
) ([]SubjectReport, error) {
	if !cfg.Registry.Configured() {
		return nil, ErrNoRegistry
	}
	c, err := registry.NewClient(cfg.Registry, registry.NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var all []SubjectReport
	for _, s := range Subjects(cfg) {
		r := SubjectReport{Subject: s.Name, Schema: s.Record, State: SubjectMissing, Faults: []string{}}
		if err := job(ctx, c, s, &r); err != nil {
			return nil, fmt.Errorf("subject %s: %w", s.Name, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func (r *SubjectReport) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

// unlessOutage makes what the registry said a fault of the subject; that it says nothing is the error.
func (r *SubjectReport) unlessOutage(err error, doing string) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if _, out := errors.AsType[*registry.OutageError](err); out || errors.Is(err, context.Canceled) {
		return err
	}
	r.fault("%v", err)
	return nil
}

// present looks our schema up.
func present(ctx context.Context, c *registry.Client, s Subject, r *SubjectReport) error {
	got, err := c.Lookup(ctx, s.Name, wire.SchemaText(s.Record))
	if errors.Is(err, registry.ErrNotFound) {
		return nil
	}
	if err != nil {
		return r.unlessOutage(err, "looking it up")
	}
	r.State, r.ID, r.Version = SubjectPresent, got.ID, got.Version
	return nil
}

// readable looks at every version of a subject.
func readable(ctx context.Context, c *registry.Client, dec *wire.Decoder, s Subject, r *SubjectReport) error {
	numbers, err := c.Versions(ctx, s.Name)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return r.unlessOutage(err, "listing its versions")
	}
	for _, n := range numbers {
		schema, err := c.ByVersion(ctx, registry.Version{Subject: s.Name, Version: n})
		if err != nil {
			if err := r.unlessOutage(err, fmt.Sprintf("reading version %d", n)); err != nil {
				return err
			}
			continue
		}
		if err := schema.ReadableAs(dec, s.Record); err != nil {
			r.fault("records of version %d would be dead letters: %v", n, err)
		}
	}
	return nil
}
