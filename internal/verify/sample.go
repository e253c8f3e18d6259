package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/kafka"
	"ttpworker/internal/produce"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// A Sample is one difference, looked at.
type Sample struct {
	Kind Kind
	ID   uuid.UUID // of the tag
	Label
	Topic     string // of the event that decides; for an extra tag of the one that it names
	Partition int32
	Offset    int64
	Fields    []Field // what differs
	// TagTopics are where the tag is.
	TagTopics []string
}

// A Field is one that differs.
type Field struct {
	Name string
	Want json.RawMessage // as the plan gives it; nil = not at all
	Got  json.RawMessage // as it is there; nil = not at all
}

var zeroTime time.Time

// sample looks at a difference again: what is there, and what the plan gives. What has gone meanwhile is left out.
func (r *running) sample(ctx context.Context, c *check, d *difference) (Sample, error) {
	s := Sample{Kind: d.kind, ID: d.id, Label: d.label, Topic: c.topic, Partition: c.part, Offset: d.source}
	var homes []string
	if d.want {
		homes = []string{r.tags[d.home].topic}
	}
	want, err := r.wanted(ctx, c, d)
	if err != nil {
		return s, err
	}
	for in, at := range d.at {
		if at < 0 {
			continue
		}
		s.TagTopics = append(s.TagTopics, r.tags[in].topic)
		if !d.want || want == nil || in != int(d.home) && d.at[d.home] >= 0 {
			continue // there is nothing to hold it against, or what is where it belongs is the better one
		}
		fields, err := r.compare(ctx, c, in, at, want)
		if err != nil {
			return s, err
		}
		s.Fields = append(s.Fields, fields...)
	}
	if d.kind == Misplaced {
		s.Fields = append(s.Fields, Field{"topic", asJSON(homes), asJSON(s.TagTopics)})
	}
	return s, nil
}

// asJSON is v as JSON, which it is known to have.
func asJSON(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers only
	}
	return text
}

// A wantedTag is what the plan gives.
type wantedTag struct {
	members map[string]json.RawMessage
	source  string
}

// wanted evaluates the event that decides once more; nil if it cannot be read any more.
func (r *running) wanted(ctx context.Context, c *check, d *difference) (*wantedTag, error) {
	if !d.want || d.kind == Missing {
		return nil, nil //nolint:nilnil // nothing is held against it
	}
	rec, err := r.Cluster.ReadAt(ctx, kafka.Partition{Topic: c.topic, Number: c.part}, d.source)
	if err != nil || rec == nil {
		return nil, err
	}
	tags, _, err := c.tagsOf(ctx, rec)
	if err != nil {
		return nil, err
	}
	for i := range tags {
		if tags[i].ID == d.id {
			members, err := membersOf(&tags[i])
			return &wantedTag{members, source(c.topic, c.part, d.source)}, err
		}
	}
	return nil, nil //nolint:nilnil // see above
}

// compare reads a record of a tag topic and says in which fields it is another than the plan gives.
func (r *running) compare(ctx context.Context, c *check, in int, at int64, want *wantedTag) ([]Field, error) {
	rec, err := r.Cluster.ReadAt(ctx, kafka.Partition{Topic: r.tags[in].topic, Number: c.part}, at)
	if err != nil || rec == nil {
		return nil, err
	}
	var fields []Field
	if got := rec.Header(produce.HeaderSource); got != want.source {
		fields = append(fields, Field{produce.HeaderSource, asJSON(want.source), asJSON(got)})
	}
	t, err := r.Codec.Tag(ctx, rec.Value)
	if malformed, ok := errors.AsType[*wire.Error](err); ok {
		return append(fields, Field{"value", nil, asJSON(malformed.Error())}), nil
	}
	if err != nil {
		return nil, err
	}
	got, err := membersOf(&t)
	return append(fields, diff(want.members, got)...), err
}

// membersOf are those of a tag as JSON, which has no time of tagging.
func membersOf(t *tagger.Tag) (map[string]json.RawMessage, error) {
	text, err := wire.AppendTagJSON(nil, t)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("tag %s: %w", t.ID, err)
	}
	return members, nil
}

// diff compares members, in the order of their names.
func diff(want, got map[string]json.RawMessage) []Field {
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !bytes.Equal(want[name], got[name]) {
			fields = append(fields, Field{name, want[name], got[name]})
		}
	}
	return fields
}
