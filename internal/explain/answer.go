package explain

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/internal/wire"
)

// ErrNoTag is in the error about a tag that is not there.
var ErrNoTag = errors.New("no such tag")

// An Answer says why a tag is there. What could not be found out is null, and Faults says why.
type Answer struct {
	Tag     json.RawMessage `json:"tag"` // as in the JSON form of the topic, without tagged_at
	Found   Found           `json:"found"`
	Event   *Event          `json:"event"`
	Rule    *Rule           `json:"rule"`
	Live    *Live           `json:"live"`  // the rule as it is now; null: it is gone
	State   States          `json:"state"` // of the rule
	Verdict *Verdict        `json:"verdict"`
	Faults  []string        `json:"faults"` // never nil

	tag *tagger.Tag
}

// Found is where a tag is.
type Found struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Source    string    `json:"source"` // topic/partition/offset of the event, as the header ttp-source says
	Plan      string    `json:"plan"`   // digest, as the header ttp-plan says
	TaggedAt  time.Time `json:"tagged_at"`
	Retag     string    `json:"retag"` // the job that has written it, as the header ttp-retag says; empty: a live worker
}

// An Event is the event of a tag, or one that is asked about.
type Event struct {
	SourceKind string          `json:"source_kind"`
	SourceID   string          `json:"source_id"`
	EventTime  *time.Time      `json:"event_time"`
	Payload    json.RawMessage `json:"payload"` // null: it is a mail's, and not shown
}

// A Rule is the rule of a tag.
type Rule struct {
	RuleID          string       `json:"rule_id"`
	RuleVersion     *int         `json:"rule_version"`
	RuleDigest      string       `json:"rule_digest"`
	From            string       `json:"from"` // archive, or files
	SourcePath      string       `json:"source_path"`
	YAML            string       `json:"yaml"`
	Filters         []FilterFile `json:"filters"` // the Sigma filters that were merged into it
	ArchivedAt      *time.Time   `json:"archived_at"`
	ArchivedBy      string       `json:"archived_by"`
	EngineSemantics *int         `json:"engine_semantics"` // of who archived it; null: not known
}

// A FilterFile is a Sigma filter.
type FilterFile struct {
	Path string `json:"path"`
	YAML string `json:"yaml"`
}

// Where a rule comes from.
const (
	FromArchive = "archive"
	FromFiles   = "files"
)

// Live is the rule of a tag as the catalogue has it now.
type Live struct {
	RuleVersion *int   `json:"rule_version"`
	RuleDigest  string `json:"rule_digest"`
	Same        bool   `json:"same"` // it does what the rule of the tag does
}

// States are the state of the rule that the tag was given under, as far as it shows, and the one in force now.
type States struct {
	Tag     State  `json:"tag"`
	Now     *State `json:"now"` // null: not known
	Differs bool   `json:"differs"`
}

// A State is an operator's order about a rule.
type State struct {
	State         tagger.State `json:"state"`
	ConfidenceMax *float64     `json:"confidence_max"`
	Reason        string       `json:"reason"`
	SetBy         string       `json:"set_by"`
	SetAt         *time.Time   `json:"set_at"`
}

// NewAnswer begins the answer about a tag.
func NewAnswer(t *tagger.Tag, found Found) (*Answer, error) {
	line, err := wire.AppendTagJSON(nil, t)
	if err != nil {
		return nil, err
	}
	order := StandingOf(t)
	return &Answer{
		Tag: line, Found: found, State: States{Tag: State{State: order.State, ConfidenceMax: order.ConfidenceMax}}, Faults: []string{}, tag: t,
	}, nil
}

// Fault notes what could not be found out.
func (a *Answer) Fault(format string, args ...any) {
	a.Faults = append(a.Faults, fmt.Sprintf(format, args...))
}

// Now notes the state in force.
func (a *Answer) Now(s State) {
	a.State.Now = &s
	order := tagger.Standing{State: s.State, ConfidenceMax: s.ConfidenceMax}
	then := StandingOf(a.tag)
	// A ceiling that changes nothing does not show in a tag.
	a.State.Differs = then.State != order.State || a.tag.Confidence != order.Limit(a.tag.ConfidenceBase)
}

// NewEvent shows an event. hide leaves out the payload.
func NewEvent(ev *tagger.TaggerEvent, hide bool) *Event {
	e := &Event{SourceKind: ev.SourceKind, SourceID: ev.SourceID, Payload: ev.Payload}
	if !ev.EventTime.IsZero() {
		e.EventTime = &ev.EventTime
	}
	if hide {
		e.Payload = nil
	}
	return e
}

// NewRule shows a rule.
func NewRule(r *rule.Rule, from string) *Rule {
	out := &Rule{
		RuleID: r.ID, RuleVersion: r.Version, RuleDigest: r.Digest, From: from, SourcePath: r.File.Path, YAML: r.File.Text, Filters: []FilterFile{},
	}
	for _, f := range r.FilterTraces() {
		out.Filters = append(out.Filters, FilterFile{f.File.Path, f.File.Text})
	}
	return out
}

// mailKind is the source kind whose texts are personal data.
const mailKind = "email"

// Judge evaluates the rule on the event; either may be nil, if it is not there any more. Texts of mails are not shown.
func (a *Answer) Judge(r *rule.Rule, ev *tagger.TaggerEvent) {
	mail := a.tag.SourceKind == mailKind || ev != nil && ev.SourceKind == mailKind
	if ev != nil {
		a.Event = NewEvent(ev, mail)
	}
	if r == nil || ev == nil {
		return
	}
	v, err := Reproduce(a.tag, r, ev)
	if err != nil {
		a.Fault("evaluating the rule: %v", err)
		return
	}
	if mail {
		v.Why.Hide()
	}
	if then := cmp.Or(a.Rule, &Rule{}).EngineSemantics; !v.Reproduced && then != nil && *then != engine.Semantics {
		v.Remarks = append(v.Remarks, fmt.Sprintf("the rule was archived by a worker of engine semantics %d, this one has %d: "+
			"the worker of that time may tag in another way", *then, engine.Semantics))
	}
	a.Verdict = &v
}

// Explained reports whether the tag was given again, and nothing was missing to tell.
func (a *Answer) Explained() bool {
	return len(a.Faults) == 0 && a.Verdict != nil && a.Verdict.Reproduced
}
