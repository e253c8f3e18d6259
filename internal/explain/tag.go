package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// A Verdict says whether a rule gives a tag again on its event.
type Verdict struct {
	Reproduced  bool         `json:"reproduced"`
	Differences []Difference `json:"differences"` // never nil
	Remarks     []string     `json:"remarks"`     // for people: why it may not be the same; never nil
	Why         Why          `json:"why"`
}

// A Difference is a member of a tag that is another one now; of the evidence each of its members, as evidence.NAME.
type Difference struct {
	Field string          `json:"field"`
	Tag   json.RawMessage `json:"tag"` // null: it is not there
	Now   json.RawMessage `json:"now"`
}

// Reproduce evaluates r on ev under the state and the ceiling that a tag says, and compares what comes out with it.
func Reproduce(t *tagger.Tag, r *rule.Rule, ev *tagger.TaggerEvent) (Verdict, error) {
	v := Verdict{Differences: []Difference{}, Remarks: []string{}}
	why, tags, err := Evaluate(r, ev, StandingOf(t))
	v.Why = why
	if err != nil {
		return v, err
	}
	if ev.SourceKind != t.SourceKind || ev.SourceID != t.SourceID {
		v.Remarks = append(v.Remarks, fmt.Sprintf("the record where the event was is another one, %s %q: the topic may have been made anew",
			ev.SourceKind, ev.SourceID))
	}
	at := slices.IndexFunc(tags, func(got tagger.Tag) bool { return got.ID == t.ID })
	if at < 0 {
		v.Remarks = append(v.Remarks, "the rule does not give this tag on the event")
		return v, nil
	}
	v.Differences, err = differences(t, &tags[at])
	v.Reproduced = err == nil && len(v.Differences) == 0
	if why.Lifter != nil && tags[at].ConfidenceBase < t.ConfidenceBase {
		v.Remarks = append(v.Remarks, "the tag is surer: a rule of the lifter intel_aggregate_bump, which is not looked at here, may have made it so")
	}
	return v, err
}

// StandingOf is the order that a tag was given under, as far as it shows: a ceiling that changed nothing does not.
func StandingOf(t *tagger.Tag) tagger.Standing {
	s := tagger.Standing{State: t.RuleState}
	if t.Confidence < t.ConfidenceBase {
		ceiling := t.Confidence
		s.ConfidenceMax = &ceiling
	}
	return s
}

// differences compares two tags member by member.
func differences(tag, now *tagger.Tag) ([]Difference, error) {
	before, err := members(tag)
	if err != nil {
		return []Difference{}, err
	}
	after, err := members(now)
	if err != nil {
		return []Difference{}, err
	}
	names := maps.Clone(before)
	maps.Copy(names, after)
	out := []Difference{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !same(before[name], after[name]) {
			out = append(out, Difference{name, before[name], after[name]})
		}
	}
	return out, nil
}

// members are those of a tag's JSON form, evidence taken apart.
func members(t *tagger.Tag) (map[string]json.RawMessage, error) {
	line, err := wire.AppendTagJSON(nil, t)
	if err != nil {
		return nil, err
	}
	var all, evidence map[string]json.RawMessage
	if err := json.Unmarshal(line, &all); err != nil {
		return nil, fmt.Errorf("reading tag %s: %w", t.ID, err)
	}
	if err := json.Unmarshal(all["evidence"], &evidence); err != nil {
		return nil, fmt.Errorf("reading the evidence of tag %s: %w", t.ID, err)
	}
	delete(all, "evidence")
	for name, value := range evidence {
		all["evidence."+name] = value
	}
	return all, nil
}

// same reports whether two JSON values are, whatever their white space.
func same(a, b json.RawMessage) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return bytes.Equal(a, b) || reflect.DeepEqual(decoded(a), decoded(b))
}

func decoded(raw json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return string(raw)
	}
	return v
}
