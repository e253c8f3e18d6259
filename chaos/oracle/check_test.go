package oracle

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

// A scene is a run in which everything is right, until a test makes something wrong.
type scene struct {
	inputs  []Input
	streams []Stream
	letters []Letter
	plans   *Plans

	one, two string // digests of two plans
}

func parse(t *testing.T, id string, version int, pattern string) *rule.Rule {
	t.Helper()
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse(id+".yaml", fmt.Appendf(nil, `rule_id: %s
rule_version: %d
name: test
applies_to: [command]
match: {pattern: '%s'}
emits: [{tactic: TA0007, technique_id: T1082, confidence: 0.7}]
evidence_fields: [command_text]
`, id, version, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Partition 0 has events 0 to 9, each with a tag of ALWAYS and every other one with one of SOME, and a poison record;
// partition 1 has three events that were tagged when SOME was on trial. Every two events are a transaction.
func newScene(t *testing.T) *scene {
	t.Helper()
	codec, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	always, some, edited := parse(t, "ALWAYS", 1, "."), parse(t, "SOME", 1, "n=[02468]$"), parse(t, "SOME", 2, "n=[13579]$")
	trial := tagger.Standing{State: tagger.Shadow}
	s := &scene{plans: NewPlans(codec, []*rule.Rule{always}, []Choice{{
		Versions: []*rule.Rule{some, edited, nil}, Standings: []tagger.Standing{tagger.DefaultStanding(), trial},
	}})}
	if got, want := s.plans.Count(), 2*2+1; got != want {
		t.Fatalf("%d plans, want %d", got, want)
	}
	onTrial := func(id string) tagger.Standing {
		if id == "SOME" {
			return trial
		}
		return tagger.DefaultStanding()
	}
	rules := []*rule.Rule{always, some}
	s.one = engine.PlanDigest(rules, func(string) tagger.Standing { return tagger.DefaultStanding() })
	s.two = engine.PlanDigest(rules, onTrial)
	s.streams = []Stream{{Partition: 0}, {Partition: 1}, {Partition: 1, Shadow: true}}
	for i := range 10 {
		s.event(t, codec, Position{0, int64(i)}, s.one, engine.New(rules, func(string) tagger.Standing { return tagger.DefaultStanding() }))
	}
	s.inputs = append(s.inputs, Input{Position: Position{0, 10}, Poison: true, Bytes: 99})
	s.letters = []Letter{{Position{0, 10}, 99}}
	for i := range 3 {
		s.event(t, codec, Position{1, int64(i)}, s.two, engine.New(rules, onTrial))
	}
	return s
}

// event adds an event and its tags.
func (s *scene) event(t *testing.T, codec *Codec, at Position, plan string, e *engine.Engine) {
	t.Helper()
	ev := tagger.TaggerEvent{
		SourceKind: "command", SourceID: "e-" + at.String(), AttackerUUID: "a", EventTime: time.Unix(1, 0).UTC(),
		Payload: fmt.Appendf(nil, `{"command_text":"n=%d"}`, at.Offset),
	}
	s.inputs = append(s.inputs, Input{Position: at, Event: ev})
	tags, err := e.AppendTags(nil, &ev)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tags {
		content, err := codec.Content(&tags[i])
		if err != nil {
			t.Fatal(err)
		}
		stream := &s.streams[at.Partition]
		if tags[i].RuleState == tagger.Shadow {
			stream = &s.streams[2]
		}
		stream.Outputs = append(stream.Outputs, Output{
			Source: at, ID: tags[i].ID, Content: content, Plan: plan,
			Producer: int64(at.Partition), Epoch: int16(at.Offset / 2), Ends: int32(at.Offset / 2), //nolint:gosec // below 10
		})
	}
}

func (s *scene) all() iter.Seq2[Input, error] {
	return func(yield func(Input, error) bool) {
		for _, in := range s.inputs {
			if !yield(in, nil) {
				return
			}
		}
	}
}

// counts are the faults of a verdict.
type counts struct{ lost, doubled, wrong, reordered, torn int }

func (s *scene) check(t *testing.T, want counts) *Verdict {
	t.Helper()
	v, err := Check(s.all(), s.streams, s.letters, s.plans, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := (counts{v.Lost, v.Doubled, v.Wrong, v.Reordered, v.Torn}); got != want {
		t.Errorf("Check counts %+v, want %+v; notes:\n%s", got, want, strings.Join(v.Notes, "\n"))
	}
	if v.Right() != (want == counts{}) {
		t.Errorf("Right() = %t with %+v", v.Right(), want)
	}
	if (len(v.Notes) == 0) != (want == counts{}) {
		t.Errorf("%d notes with %+v", len(v.Notes), want)
	}
	return v
}

func TestCheckFindsNothingWrongWhereNothingIs(t *testing.T) {
	v := newScene(t).check(t, counts{})
	if v.Events != 13 || v.Poison != 1 || v.Tags != 15+3 || v.Shadow != 2 || v.Letters != 1 || v.Plans != 2 || !v.EpochPerTransaction {
		t.Errorf("Check = %+v", v)
	}
}

func TestCheckFinds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(s *scene)
		want  counts
	}{
		{"a lost tag", func(s *scene) { s.cut(1) }, counts{lost: 1}},
		{"an event without any tag", func(s *scene) { s.cut(2) }, counts{lost: 1}},
		{"a lost tag on trial", func(s *scene) { s.streams[2].Outputs = s.streams[2].Outputs[1:] }, counts{lost: 1}},
		{"all tags of a partition lost", func(s *scene) { s.streams[1].Outputs, s.streams[2].Outputs = nil, nil }, counts{lost: 3}},
		{"a tag twice at once", func(s *scene) { s.repeat(4, 5) }, counts{doubled: 1}},
		{"a batch twice", func(s *scene) {
			o := s.streams[0].Outputs
			s.streams[0].Outputs = slices.Concat(o[:6], o[3:6], o[6:])
		}, counts{doubled: 3, reordered: 2}},
		{"a tag again behind later ones", func(s *scene) { s.repeat(3, 12) }, counts{doubled: 1, reordered: 1}},
		{"two tags in the wrong order", func(s *scene) {
			o := s.streams[0].Outputs
			o[2], o[3] = o[3], o[2]
		}, counts{reordered: 1}},
		{"another content", func(s *scene) { s.streams[0].Outputs[4].Content++ }, counts{wrong: 1}},
		{"a tag on another partition", func(s *scene) {
			s.streams[1].Outputs = append(s.streams[1].Outputs, s.streams[0].Outputs[14])
			s.cut(14)
		}, counts{wrong: 1}},
		{"a tag on trial among the tags", func(s *scene) {
			s.streams[1].Outputs = append(s.streams[1].Outputs, s.streams[2].Outputs[1])
			s.streams[2].Outputs = s.streams[2].Outputs[:1]
		}, counts{wrong: 1}},
		{"a tag that no rule gives", func(s *scene) { s.streams[0].Outputs[0].ID[3]++ }, counts{wrong: 1, lost: 1}},
		{"a plan that never was", func(s *scene) { s.plan(2, 3, strings.Repeat("0", 64)) }, counts{wrong: 1, torn: 1}},
		{"an event under two plans", func(s *scene) { s.plan(1, 2, s.two) }, counts{wrong: 1, torn: 1}},
		{"an end of a transaction elsewhere", func(s *scene) { s.streams[0].Outputs[2].Ends = 1 }, counts{}},
		{"a tag of no event", func(s *scene) { s.streams[0].Outputs[14].Source.Offset = 70 }, counts{wrong: 1, lost: 1}},
		{"a tag of an event before all", func(s *scene) { s.streams[0].Outputs[0].Source.Partition = -1 }, counts{wrong: 1, lost: 1}},
		{"a tag of a record that is no event", func(s *scene) { s.streams[0].Outputs[14].Source.Offset = 10 }, counts{wrong: 1, lost: 1}},
		{"a lost dead letter", func(s *scene) { s.letters = nil }, counts{lost: 1}},
		{"a dead letter twice", func(s *scene) { s.letters = append(s.letters, s.letters[0]) }, counts{doubled: 1}},
		{"a dead letter of other bytes", func(s *scene) { s.letters[0].Bytes++ }, counts{wrong: 1}},
		{"a dead letter of an event", func(s *scene) { s.letters = append(s.letters, Letter{Source: Position{0, 3}}) }, counts{wrong: 1}},
		{"a dead letter of no record", func(s *scene) { s.letters = append(s.letters, Letter{Source: Position{3, 3}}) }, counts{wrong: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			tt.spoil(s)
			s.check(t, tt.want)
		})
	}
}

// cut removes an output of partition 0: 0 and 1 are of event 0, 2 of event 1, 3 and 4 of event 2 and so on.
func (s *scene) cut(i int) { s.streams[0].Outputs = slices.Delete(s.streams[0].Outputs, i, i+1) }

// repeat puts a copy of output i of partition 0 before output at.
func (s *scene) repeat(i, at int) {
	s.streams[0].Outputs = slices.Insert(s.streams[0].Outputs, at, s.streams[0].Outputs[i])
}

func (s *scene) plan(from, to int, digest string) {
	for i := from; i < to; i++ {
		s.streams[0].Outputs[i].Plan = digest
	}
}

func TestCheckOfAtLeastOnceFinds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(s *scene)
		want  counts
		right bool
	}{
		{name: "nothing wrong", spoil: func(*scene) {}, right: true},
		{"a batch twice", func(s *scene) { s.repeat(3, 12) }, counts{doubled: 1}, true},
		{"a dead letter twice", func(s *scene) { s.letters = append(s.letters, s.letters[0]) }, counts{doubled: 1}, true},
		{"an event again under another plan", func(s *scene) {
			s.repeat(2, 12) // event 1 has a tag of ALWAYS only, under this plan too
			s.plan(12, 13, s.two)
		}, counts{doubled: 1}, true},
		{"half an event again under another plan", func(s *scene) {
			s.repeat(0, 12) // the tag of ALWAYS; that of SOME on trial is missing
			s.plan(12, 13, s.two)
		}, counts{doubled: 1, lost: 1}, false},
		{"a lost tag", func(s *scene) { s.cut(1) }, counts{lost: 1}, false},
		{"another content again", func(s *scene) {
			s.repeat(4, 5)
			s.streams[0].Outputs[5].Content++
		}, counts{wrong: 1}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			tt.spoil(s)
			v, err := Check(s.all(), s.streams, s.letters, s.plans, true)
			if err != nil {
				t.Fatal(err)
			}
			if got := (counts{v.Lost, v.Doubled, v.Wrong, v.Reordered, v.Torn}); got != tt.want || v.Right() != tt.right {
				t.Errorf("Check counts %+v and Right is %t, want %+v and %t; notes:\n%s", got, v.Right(), tt.want, tt.right, strings.Join(v.Notes, "\n"))
			}
		})
	}
}

// A whole event of a transaction met another plan than the other: each event alone is right.
func TestCheckFindsATransactionUnderTwoPlans(t *testing.T) {
	for _, epochs := range []bool{true, false} {
		s := newScene(t)
		if !epochs {
			for i := range s.streams[0].Outputs {
				s.streams[0].Outputs[i].Epoch = 0
			}
		}
		always := s.streams[0].Outputs[2]
		if always.Source.Offset != 1 {
			t.Fatalf("output 2 is of %s, want event 1, which has one tag", always.Source)
		}
		s.plan(2, 3, s.two) // ALWAYS gives the same tag under both plans
		v := s.check(t, counts{torn: 1})
		if v.EpochPerTransaction != epochs {
			t.Errorf("EpochPerTransaction = %t, want %t", v.EpochPerTransaction, epochs)
		}
	}
}

func TestCheckFindsATransactionUnderTwoPlansInTwoPartitions(t *testing.T) {
	s := newScene(t)
	for i := range s.streams {
		for k := range s.streams[i].Outputs {
			s.streams[i].Outputs[k].Producer = 7 // partition 0 met plan one, partition 1 plan two
		}
	}
	s.check(t, counts{torn: 2}) // epochs 0 and 1
}

func TestCompareTellsWhatOnlyOneReaderSaw(t *testing.T) {
	a, b, c, other := Sighting{1, 10}, Sighting{3, 30}, Sighting{4, 40}, Sighting{3, 31}
	for _, tt := range []struct {
		name             string
		live, final      []Sighting
		phantoms, unseen int
	}{
		{name: "nothing"},
		{name: "the same", live: []Sighting{a, b, c}, final: []Sighting{a, b, c}},
		{"a record of an aborted transaction", []Sighting{a, b, c}, []Sighting{a, c}, 1, 0},
		{"at the end", []Sighting{a, b}, []Sighting{a}, 1, 0},
		{"a record never seen", []Sighting{a, c}, []Sighting{a, b, c}, 0, 1},
		{"other bytes", []Sighting{a, other, c}, []Sighting{a, b, c}, 1, 1},
		{"a record again", []Sighting{a, a, c}, []Sighting{a, c}, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if p, u := Compare(tt.live, tt.final); p != tt.phantoms || u != tt.unseen {
				t.Errorf("Compare = %d phantoms, %d unseen; want %d, %d", p, u, tt.phantoms, tt.unseen)
			}
		})
	}
}

func TestALedgerTellsWhatTheBrokersLost(t *testing.T) {
	at := func(offset int64, bytes uint64) Input { return Input{Position: Position{2, offset}, Bytes: bytes} }
	written := []Written{{Position: Position{2, 0}, Bytes: 7}, {Position: Position{2, 1}, Bytes: 8, Poison: true}}
	for _, tt := range []struct {
		name string
		read []Input
		want string
	}{
		{name: "all there", read: []Input{at(0, 7), at(1, 8)}},
		{"one gone", []Input{at(0, 7)}, "record 2/1 was acknowledged and is gone"},
		{"another in its place", []Input{at(0, 7), at(1, 9)}, "record 2/1 was acknowledged, and 2/1 is what is there"},
		{"one more", []Input{at(0, 7), at(1, 8), at(2, 9)}, "record 2/2 is there and was never acknowledged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := Ledger{Written: written}
			var err error
			for i := range tt.read {
				err = errors.Join(err, l.Meet(&tt.read[i]))
			}
			err = errors.Join(err, l.End())
			if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
				t.Errorf("the ledger says %v, want %q", err, tt.want)
			}
			if err == nil && (tt.read[0].Poison || !tt.read[1].Poison) {
				t.Error("the second record is poison, and the first is not")
			}
		})
	}
}

func TestParseSource(t *testing.T) {
	topic, at, err := ParseSource("ttp_events/3/12345678901")
	if topic != "ttp_events" || at != (Position{3, 12345678901}) || err != nil {
		t.Errorf("ParseSource = %q, %s, %v", topic, at, err)
	}
	for _, bad := range []string{"", "a/1", "a/b/1", "a/1/b", "a/1/2/3", "a/99999999999/1"} {
		if _, _, err := ParseSource(bad); err == nil {
			t.Errorf("ParseSource(%q) gives no error", bad)
		}
	}
}
