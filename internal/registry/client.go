package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/sr"

	"ttpworker/internal/wire"
)

// maxSchema bounds a schema as the registry gives it, in bytes. Ours have 5 KB.
const maxSchema = 256 << 10

// ErrNotFound is the registry's word that it does not have what it was asked for.
var ErrNotFound = errors.New("the schema registry does not have it")

// An OutageError says that the registry gave no answer: it may be down, unreachable, in trouble of its own, or refuse to
// talk to us. Nothing follows from it about a schema.
type OutageError struct{ Err error }

// Error says what happened at every address.
func (e *OutageError) Error() string { return "the schema registry does not answer: " + e.Err.Error() }

// Unwrap gives what happened.
func (e *OutageError) Unwrap() error { return e.Err }

// A Client asks one registry. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	nodes   []*sr.Client // one per address
	urls    []string
	last    atomic.Int64 // number of the address that answered last
	metrics *Metrics
}

// NewClient makes a client. It reads the files that cfg names and does not reach out.
func NewClient(cfg Config, metrics *Metrics) (*Client, error) {
	transport, err := newTransport(cfg.TLS)
	if err != nil {
		return nil, err
	}
	password, err := readPassword(cfg)
	if err != nil {
		return nil, err
	}
	c := &Client{http: &http.Client{Transport: transport, Timeout: cfg.Timeout}, urls: cfg.URLs, metrics: metrics}
	for _, u := range cfg.URLs {
		opts := []sr.ClientOpt{sr.HTTPClient(c.http), sr.UserAgent("ttp-worker"), sr.URLs(u)}
		if cfg.Username != "" {
			opts = append(opts, sr.BasicAuth(cfg.Username, password))
		}
		node, err := sr.NewClient(opts...)
		if err != nil {
			return nil, fmt.Errorf("schema_registry: %w", err)
		}
		c.nodes = append(c.nodes, node)
	}
	return c, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// ask has f ask one address after the other until one of them answers, whatever it says. An address that is in trouble
// is passed over like one that is not there: the library would take its word.
func ask[T any](ctx context.Context, c *Client, f func(context.Context, *sr.Client) (T, error)) (T, error) {
	var zero T
	var errs []error
	first := int(c.last.Load())
	for i := range c.nodes {
		k := (first + i) % len(c.nodes)
		v, err := f(ctx, c.nodes[k])
		switch outcome := outcomeOf(err); {
		case ctx.Err() != nil:
			return zero, ctx.Err()
		case outcome == unreachable:
			c.metrics.requests.WithLabelValues(unreachable).Inc()
			errs = append(errs, fmt.Errorf("%s: %w", c.urls[k], err))
		default:
			c.metrics.requests.WithLabelValues(outcome).Inc()
			c.metrics.reachable.Set(1)
			c.last.Store(int64(k))
			if outcome == notFound {
				return zero, fmt.Errorf("%w: %w", ErrNotFound, err)
			}
			return v, err
		}
	}
	c.metrics.reachable.Set(0)
	return zero, &OutageError{errors.Join(errs...)}
}

// The outcomes of a request.
const (
	answered    = "answered"
	notFound    = "not_found"
	refused     = "refused" // it understood, and says no
	unreachable = "unreachable"
)

// outcomeOf tells an answer of the registry from trouble. Only what carries a code of its own is one: a page of a proxy
// that says 404, a 401 or a body that is no JSON say nothing about a schema.
func outcomeOf(err error) string {
	if err == nil {
		return answered
	}
	if errors.Is(err, errTooLarge) {
		return refused
	}
	resp, ok := errors.AsType[*sr.ResponseError](err)
	switch {
	case !ok:
		return unreachable
	case resp.StatusCode == http.StatusNotFound && resp.ErrorCode/100 == 404:
		return notFound
	case resp.ErrorCode != 0 && (resp.StatusCode == http.StatusConflict || resp.StatusCode == http.StatusUnprocessableEntity):
		return refused
	}
	return unreachable
}

// A Schema is one that the registry has.
type Schema struct {
	Text       string
	Type       string // AVRO, JSON or PROTOBUF
	References int    // other schemas without which it means nothing
}

const typeAvro = "AVRO"

// usable reports what keeps the schema from being looked at.
func (s Schema) usable() error {
	switch {
	case s.Type != typeAvro:
		return fmt.Errorf("it is of type %.50s, want %s", s.Type, typeAvro)
	case s.References > 0:
		return errors.New("it needs other schemas (references), which are not read here")
	case len(s.Text) > maxSchema:
		return fmt.Errorf("it has %d bytes, over the limit of %d", len(s.Text), maxSchema)
	}
	return nil
}

// ReadableAs says why d could not read data under the schema as a record of ours, nil if it could.
func (s Schema) ReadableAs(d *wire.Decoder, r wire.Record) error {
	if err := s.usable(); err != nil {
		return err
	}
	return d.Readable(r, s.Text)
}

func schemaOf(s sr.Schema) Schema {
	return Schema{Text: s.Schema, Type: s.Type.String(), References: len(s.References)}
}

// ByID is the schema of an id.
func (c *Client) ByID(ctx context.Context, id uint32) (Schema, error) {
	return ask(ctx, c, func(ctx context.Context, node *sr.Client) (Schema, error) {
		s, err := node.SchemaByID(ctx, int(id))
		return schemaOf(s), err
	})
}

// A Version is a place of a schema: one id may have several.
type Version struct {
	Subject string
	Version int
}

// VersionsOf are the places of an id.
func (c *Client) VersionsOf(ctx context.Context, id uint32) ([]Version, error) {
	return ask(ctx, c, func(ctx context.Context, node *sr.Client) ([]Version, error) {
		all, err := node.SchemaVersionsByID(ctx, int(id))
		out := make([]Version, len(all))
		for i, v := range all {
			out[i] = Version{v.Subject, v.Version}
		}
		return out, err
	})
}

// Versions are the numbers of the schemas of a subject.
func (c *Client) Versions(ctx context.Context, subject string) ([]int, error) {
	return ask(ctx, c, func(ctx context.Context, node *sr.Client) ([]int, error) { return node.SubjectVersions(ctx, subject) })
}

// ByVersion is one schema of a subject.
func (c *Client) ByVersion(ctx context.Context, v Version) (Schema, error) {
	return ask(ctx, c, func(ctx context.Context, node *sr.Client) (Schema, error) {
		s, err := node.SchemaByVersion(ctx, v.Subject, v.Version)
		return schemaOf(s.Schema), err
	})
}

// A Registered schema is one that a subject has.
type Registered struct {
	ID      uint32
	Version int
}

// Lookup finds the schema text in a subject.
func (c *Client) Lookup(ctx context.Context, subject, text string) (Registered, error) {
	return ask(ctx, c, func(ctx context.Context, node *sr.Client) (Registered, error) {
		s, err := node.LookupSchema(ctx, subject, sr.Schema{Schema: text})
		return Registered{ID: uint32(s.ID), Version: s.Version}, err //nolint:gosec // 32 bits on the wire
	})
}

// Register gives the schema text a place in a subject and says which id it has.
func (c *Client) Register(ctx context.Context, subject, text string) (uint32, error) {
	return ask(ctx, c, func(ctx context.Context, node *sr.Client) (uint32, error) {
		id, err := node.RegisterSchema(ctx, subject, sr.Schema{Schema: text}, -1, -1)
		return uint32(id), err //nolint:gosec // 32 bits on the wire
	})
}

// Compatible says what the registry's rules of compatibility have against the schema text as the next version of a
// subject, nil if nothing.
func (c *Client) Compatible(ctx context.Context, subject, text string) ([]string, error) {
	const allVersions = -2
	result, err := ask(ctx, c, func(ctx context.Context, node *sr.Client) (sr.CheckCompatibilityResult, error) {
		return node.CheckCompatibility(sr.WithParams(ctx, sr.Verbose), subject, allVersions, sr.Schema{Schema: text})
	})
	if err != nil || result.Is {
		return nil, err
	}
	if len(result.Messages) == 0 {
		return []string{"the registry does not say why"}, nil
	}
	return result.Messages, nil
}
