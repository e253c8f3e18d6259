package verify

import (
	"context"
	"errors"
	"hash/maphash"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/kafka"
	"ttpworker/internal/produce"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// A Plan is what history is held against. It must be safe for concurrent use.
type Plan interface {
	// AppendWhole appends the tags of an event and says whether they are all there are: see tagger.Composite.
	AppendWhole(dst []tagger.Tag, ev *tagger.TaggerEvent) (out []tagger.Tag, whole bool, err error)
}

// A Codec reads and writes as the workers do. Its functions must be safe for concurrent use.
type Codec struct {
	// Event reads an event. A *wire.Error or a wire.SkipError says that the record is none; any other error ends the job.
	Event func(context.Context, *kafka.Record) (tagger.TaggerEvent, error)
	// Tag reads the value of a tag. A *wire.Error says that it is none.
	Tag     func(ctx context.Context, value []byte) (tagger.Tag, error)
	Outputs produce.Outputs
}

// Unknown is why nothing can be said about a tag.
type Unknown string

// The reasons.
const (
	Gone        Unknown = "event_gone"        // retention has taken its event away
	Undecodable Unknown = "event_undecodable" // its event cannot be read
	Failed      Unknown = "tagger_failed"     // a tagger has failed on its event
	TooLarge    Unknown = "output_too_large"  // its event has a tag that the topic does not take, and so has none
)

// A check is the work on the range of one partition. First it is given the events, in order, then the records of the two
// tag topics, in order each, and then asked for the verdict. Per tag of the range it takes about as much memory as an
// entry in each of two maps. Not for concurrent use.
type check struct {
	topic string
	span  kafka.Span // of the partition that is checked
	part  int32
	plan  Plan
	codec *Codec
	rules map[string]bool // only these; empty = all

	labels labels
	wants  map[uuid.UUID]want
	dark   map[int64]Unknown // events of which it is not known what they give, by offset
	passed []kafka.Span      // those that live workers have passed over, in order
	found  [2]map[uuid.UUID]found
	events int

	tags []tagger.Tag // scratch
	text []byte       // scratch
}

// The tag topics, as indexes.
const (
	trusted = 0
	shadow  = 1
)

// A want is a tag that must be there.
type want struct {
	source int64  // offset of the event that decides
	sum    uint64 // of the tag
	label  int32
	home   int8 // the topic that it belongs in
}

// A found is the latest record of a key in one topic: one with a value and a source in the range, or any if the key is
// wanted.
type found struct {
	source int64  // offset of its event; outside for one that is not in the range
	at     int64  // its own offset
	sum    uint64 // of the tag; of a live record in the range
	label  int32
	live   bool // it has a value
	broken bool // which is no tag
}

// outside stands for a source that is not in the range.
const outside = -1

func newCheck(topic string, part int32, span kafka.Span, plan Plan, codec *Codec, rules map[string]bool) *check {
	return &check{
		topic: topic, part: part, span: span, plan: plan, codec: codec, rules: rules,
		wants: map[uuid.UUID]want{}, dark: map[int64]Unknown{}, found: [2]map[uuid.UUID]found{{}, {}},
	}
}

// event takes the next record of the input.
func (c *check) event(ctx context.Context, rec *kafka.Record) error {
	c.events++
	tags, why, err := c.tagsOf(ctx, rec)
	if err != nil {
		return err
	}
	if why != "" {
		c.dark[rec.Offset] = why
		return nil
	}
	for i := range tags {
		t := &tags[i]
		if !c.chosen(t.RuleID) {
			continue
		}
		w := want{source: rec.Offset, label: c.labels.of(t), home: trusted}
		if t.RuleState == tagger.Shadow {
			w.home = shadow
		}
		if w.sum, err = c.sum(t); err != nil {
			return err
		}
		c.wants[t.ID] = w
	}
	return nil
}

// passOver takes the next events if live workers have passed them over.
func (c *check) passOver(events kafka.Span) {
	c.events += int(events.To - events.From)
	c.passed = append(c.passed, events)
}

// anyPlan stands for a plan's digest, where all that counts is how long records get.
var anyPlan = strings.Repeat("0", 64)

// tagsOf are the tags that the plan gives for a record of the input, until the next call; why says that it is not known
// which these are. A record that is to be skipped has none.
func (c *check) tagsOf(ctx context.Context, rec *kafka.Record) (tags []tagger.Tag, why Unknown, err error) {
	ev, err := c.codec.Event(ctx, rec)
	if _, skip := errors.AsType[wire.SkipError](err); skip {
		return nil, "", nil
	}
	if _, malformed := errors.AsType[*wire.Error](err); malformed {
		return nil, Undecodable, nil
	}
	if err != nil {
		return nil, "", err
	}
	var whole bool
	if c.tags, whole, err = c.plan.AppendWhole(c.tags[:0], &ev); err != nil {
		return nil, "", err
	}
	if !whole {
		return nil, Failed, nil
	}
	var from produce.Source
	if len(c.tags) > 0 {
		from = produce.Source{Partition: rec.Partition, Position: source(rec.Topic, rec.Partition, rec.Offset), Plan: anyPlan}
	}
	for i := range c.tags {
		_, err := c.codec.Outputs.TagRecord(&c.tags[i], from, time.Unix(0, 0))
		if _, large := errors.AsType[*wire.Error](err); large {
			return nil, TooLarge, nil // an event has all its tags or none
		}
		if err != nil {
			return nil, "", err
		}
	}
	return c.tags, "", nil
}

func (c *check) chosen(rule string) bool { return len(c.rules) == 0 || c.rules[rule] }

// tag takes the next record of a tag topic.
func (c *check) tag(ctx context.Context, in int, rec *kafka.Record) error {
	id, is := produce.TagKey(rec.Key)
	if !is {
		return nil
	}
	_, wanted := c.wants[id]
	f := found{source: c.within(rec.Header(produce.HeaderSource)), at: rec.Offset, live: rec.Value != nil}
	ours := f.live && f.source != outside
	if ours {
		if err := c.read(ctx, rec.Value, &f); err != nil {
			return err
		}
		ours = c.chosen(c.labels.all[f.label].Rule)
	}
	if ours || wanted {
		c.found[in][id] = f
	} else {
		delete(c.found[in], id) // the record before is not the latest
	}
	return nil
}

// read notes what a live record says.
func (c *check) read(ctx context.Context, value []byte, f *found) error {
	t, err := c.codec.Tag(ctx, value)
	if _, malformed := errors.AsType[*wire.Error](err); malformed {
		f.broken, f.label = true, c.labels.of(&tagger.Tag{})
		return nil
	}
	if err != nil {
		return err
	}
	f.label = c.labels.of(&t)
	f.sum, err = c.sum(&t)
	return err
}

// within is the offset in a header ttp-source, outside if that is not in the range.
func (c *check) within(text string) int64 {
	offset, ok := strings.CutPrefix(text, source(c.topic, c.part, -1))
	if !ok {
		return outside
	}
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil || n < c.span.From || n >= c.span.To {
		return outside
	}
	return n
}

// source is what the header ttp-source says; its beginning for an offset of -1.
func source(topic string, partition int32, offset int64) string {
	text := topic + "/" + strconv.Itoa(int(partition)) + "/"
	if offset >= 0 {
		text += strconv.FormatInt(offset, 10)
	}
	return text
}

var seed = maphash.MakeSeed()

// sum is the fingerprint of a tag, but for the time of tagging.
func (c *check) sum(t *tagger.Tag) (uint64, error) {
	var err error
	if c.text, err = wire.AppendTagJSON(c.text[:0], t); err != nil {
		return 0, err
	}
	return maphash.Bytes(seed, c.text), nil
}

// A Label is what differences are counted by.
type Label struct {
	Rule      string // "" for a record that is no tag
	Technique string // "" for a rule without one
}

// labels number what there is.
type labels struct {
	all    []Label
	number map[Label]int32
}

func (l *labels) of(t *tagger.Tag) int32 {
	label := Label{t.RuleID, t.Technique()}
	n, ok := l.number[label]
	if !ok {
		if l.number == nil {
			l.number = map[Label]int32{}
		}
		n = int32(len(l.all)) //nolint:gosec // as many as rules have techniques
		l.all = append(l.all, label)
		l.number[label] = n
	}
	return n
}
