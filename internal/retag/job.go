package retag

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"ttpworker/internal/kafka"
)

// A Spec says what to retag.
type Spec struct {
	Topics     []string // of events
	Partitions []int32  // nil = all
	From, To   kafka.Moment
	LiveGroup  string // whose commits are the cuts
	TagTopics  [sides]string
	Rules      []string
}

// A Part is the work on one partition of a topic of events.
type Part struct {
	Span kafka.Span   // what is retagged
	Cut  int64        // the live group had committed this when the job began
	Tags [sides]int64 // where the topics of tags ended then
	Plan string       // the live group had committed it under this plan; "" = it did not say
}

// A Job is a spec with all that it depends on decided.
type Job struct {
	ID        string
	Plan      string // digest
	Rules     []string
	LiveGroup string
	TagTopics [sides]string
	Parts     map[kafka.Partition]Part
}

// job is one of a spec without parts.
func (s *Spec) job(digest string) *Job {
	return &Job{Plan: digest, Rules: s.Rules, LiveGroup: s.LiveGroup, TagTopics: s.TagTopics, Parts: map[kafka.Partition]Part{}}
}

// groupPrefix begins the names of the groups of jobs.
const groupPrefix = "ttp-retag-"

// Group is the consumer group in which the processes of a job share its partitions.
func (j *Job) Group() string { return groupPrefix + j.ID }

// doneGroup holds what is all done. It has no members.
func (j *Job) doneGroup() string { return j.Group() + "-done" }

// UnderOther lists the partitions, in order, whose live positions were committed under another plan than the job's: what lies
// behind their cuts is tagged under that one until the live group is under the job's.
func (j *Job) UnderOther() []kafka.Partition {
	var out []kafka.Partition
	for p, part := range j.Parts {
		if part.Plan != j.Plan {
			out = append(out, p)
		}
	}
	return sorted(out)
}

// Partitions lists the partitions in order.
func (j *Job) Partitions() []kafka.Partition { return sorted(slices.Collect(maps.Keys(j.Parts))) }

func sorted(parts []kafka.Partition) []kafka.Partition {
	slices.SortFunc(parts, func(a, b kafka.Partition) int {
		if a.Topic != b.Topic {
			return strings.Compare(a.Topic, b.Topic)
		}
		return int(a.Number - b.Number)
	})
	return parts
}

// Events is the number of offsets in the ranges of a job.
func (j *Job) Events() int64 {
	n := int64(0)
	for _, p := range j.Parts {
		n += max(p.Span.To-p.Span.From, 0)
	}
	return n
}

// passed is how many of them lie before the positions of the job's group.
func (j *Job) passed(reached map[kafka.Partition]kafka.Position) int64 {
	n := int64(0)
	for at, p := range j.Parts {
		n += max(min(reached[at].Offset, p.Span.To)-p.Span.From, 0)
	}
	return n
}

// Resolve decides what a spec comes to now, under the plan of this digest: ranges, cuts, and the id that follows from them.
func (s *Spec) Resolve(ctx context.Context, c *kafka.Cluster, digest string) (*Job, error) {
	live, err := c.Positions(ctx, s.LiveGroup) // first: what it has committed is in the topics of tags by the time those are read
	if err != nil {
		return nil, err
	}
	j := s.job(digest)
	var tags [sides]map[int32]int64
	for i, topic := range s.TagTopics {
		if tags[i], err = c.Ends(ctx, topic); err != nil {
			return nil, err
		}
	}
	for _, topic := range s.Topics {
		if err := s.resolveTopic(ctx, c, topic, live, j); err != nil {
			return nil, err
		}
	}
	for at, p := range j.Parts {
		p.Tags = [sides]int64{tags[trusted][at.Number], tags[shadow][at.Number]}
		j.Parts[at] = p
	}
	if len(j.Parts) == 0 {
		where := strings.Join(s.Topics, ", ")
		if s.Partitions != nil {
			where += fmt.Sprintf(", partitions %v (--partition)", s.Partitions)
		}
		return nil, fmt.Errorf("group %s has committed nothing in %s, so there is nothing that live workers have left to a retag: has it ever run, and is it the live group (kafka.group)?",
			s.LiveGroup, where)
	}
	j.ID = j.hash()
	return j, nil
}

func (s *Spec) resolveTopic(ctx context.Context, c *kafka.Cluster, topic string, live map[kafka.Partition]kafka.Position, j *Job) error {
	starts, err := c.Starts(ctx, topic)
	if err != nil {
		return err
	}
	ends, err := c.Ends(ctx, topic)
	if err != nil {
		return err
	}
	from, err := c.OffsetsAt(ctx, topic, s.From)
	if err != nil {
		return err
	}
	to, err := c.OffsetsAt(ctx, topic, s.To)
	if err != nil {
		return err
	}
	for _, number := range s.Partitions {
		if _, is := starts[number]; !is {
			return fmt.Errorf("topic %s has no partition %d", topic, number)
		}
	}
	for number, start := range starts {
		at := kafka.Partition{Topic: topic, Number: number}
		cut, tagged := live[at]
		if !tagged || s.Partitions != nil && !slices.Contains(s.Partitions, number) {
			continue
		}
		span := kafka.Span{From: max(from[number], start), To: min(to[number], cut.Offset, ends[number])}
		if span.To, err = lastOf(ctx, c, at, span); err != nil {
			return err
		}
		j.Parts[at] = Part{Span: span, Cut: cut.Offset, Plan: cut.Metadata}
	}
	return nil
}

// lastOf is one behind the last record of a span, its beginning if it has none: markers of transactions take offsets, too,
// and nobody would come by to say that they were passed.
func lastOf(ctx context.Context, c *kafka.Cluster, at kafka.Partition, span kafka.Span) (int64, error) {
	for back := int64(64); span.To > span.From; back *= 8 {
		look, last := kafka.Span{From: max(span.From, span.To-back), To: span.To}, int64(-1)
		err := c.ScanEvents(ctx, at, look, func(r *kafka.Record) error {
			last = r.Offset
			return nil
		}, func(part kafka.Span) error {
			last = part.To - 1
			return nil
		})
		switch {
		case err != nil:
			return 0, err
		case last >= 0:
			return last + 1, nil
		case look.From == span.From:
			return span.From, nil
		}
	}
	return span.From, nil
}

// idBytes is how many bytes of the hash are the id of a job.
const idBytes = 8

// hash is the id that follows from what a job is, where the topics of tags ended included: what a job did that was given up
// is of no use to one that begins after others have written.
func (j *Job) hash() string {
	type part struct {
		Topic    string
		Number   int32
		From, To int64
		Cut      int64
		Tags     [sides]int64
	}
	all := struct {
		Plan      string
		Rules     []string
		LiveGroup string
		TagTopics [sides]string
		Parts     []part
	}{Plan: j.Plan, Rules: j.Rules, LiveGroup: j.LiveGroup, TagTopics: j.TagTopics}
	for _, at := range j.Partitions() {
		p := j.Parts[at]
		all.Parts = append(all.Parts, part{at.Topic, at.Number, p.Span.From, p.Span.To, p.Cut, p.Tags})
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic("retag: " + err.Error()) // texts and numbers
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:idBytes])
}

// metadata is what the group of a job commits beside its positions: enough to go on with it.
type metadata struct {
	Plan string       `json:"plan"`
	From int64        `json:"from"`
	To   int64        `json:"to"`
	Cut  int64        `json:"cut"`
	Tags [sides]int64 `json:"tags"` // where the topics of tags ended when the job began
	Live string       `json:"live"` // the plan of the live group then, see Part
}

func (j *Job) metadata(at kafka.Partition) string {
	p := j.Parts[at]
	text, err := json.Marshal(metadata{j.Plan, p.Span.From, p.Span.To, p.Cut, p.Tags, p.Plan})
	if err != nil {
		panic("retag: " + err.Error()) // texts and numbers
	}
	return string(text)
}

// ErrNoJob is the fault of an id that no unfinished job has.
var ErrNoJob = errors.New("there is no unfinished job of this id")

// Find reads an unfinished job, to be gone on with under the plan of this digest. Of the spec it takes what is not the range.
func (s *Spec) Find(ctx context.Context, c *kafka.Cluster, id, digest string) (*Job, error) {
	j := s.job(digest)
	j.ID = id
	positions, err := c.Positions(ctx, j.Group())
	if err != nil {
		return nil, err
	}
	if len(positions) == 0 {
		return nil, fmt.Errorf("job %s: %w", id, ErrNoJob)
	}
	for at, pos := range positions {
		var m metadata
		if err := json.Unmarshal([]byte(pos.Metadata), &m); err != nil {
			return nil, fmt.Errorf("job %s: what group %s says of %s/%d is not of a job: %w", id, j.Group(), at.Topic, at.Number, err)
		}
		if m.Plan != digest {
			return nil, fmt.Errorf("job %s was begun under plan %s, and the plan is %s now: begin a new one, or bring back the rules and states of then", id, m.Plan, digest)
		}
		j.Parts[at] = Part{Span: kafka.Span{From: m.From, To: m.To}, Cut: m.Cut, Tags: m.Tags, Plan: m.Live}
	}
	if got := j.hash(); got != id {
		return nil, fmt.Errorf("job %s was begun for other rules (--rules), another live group (kafka.group) or other topics of tags (topics.tags.name, topics.shadow.name), or is not whole: say what it was begun with, or begin a new one", id)
	}
	return j, nil
}

// Begin makes a job known: its group stands where its ranges begin, and from then on it can be gone on with. One that is known
// already is left as it is.
func (j *Job) Begin(ctx context.Context, c *kafka.Cluster) error {
	known, err := c.Positions(ctx, j.Group())
	if err != nil || len(known) > 0 {
		return err
	}
	positions := map[kafka.Partition]kafka.Position{}
	for at, p := range j.Parts {
		positions[at] = kafka.Position{Offset: p.Span.From, Metadata: j.metadata(at)}
	}
	return c.SetPositions(ctx, j.Group(), positions)
}

// topics lists the topics of the events of a job.
func (j *Job) topics() []string {
	var names []string
	for at := range j.Parts {
		names = append(names, at.Topic)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// forget takes away what a job that is done has left in the cluster, unless other processes are still in it: the last one
// does it.
func (j *Job) forget(ctx context.Context, c *kafka.Cluster, log *slog.Logger) {
	for _, group := range []string{j.Group(), j.doneGroup()} {
		if err := c.DeleteGroup(ctx, group); err != nil {
			log.Debug("the job's group stays", "group", group, "err", err)
			return
		}
	}
}
