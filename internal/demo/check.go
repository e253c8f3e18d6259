package demo

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"ttpworker/internal/attack"
	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/tagger"
)

// A finding is what a tag says, as far as a demo that is played once compares it.
type finding struct {
	source, rule, tactic, technique string
	shadow                          bool // on the shadow topic
}

func findingOf(t *tagger.Tag, shadow bool) finding {
	return finding{source: t.SourceID, rule: t.RuleID, tactic: t.Tactic, technique: t.Technique(), shadow: shadow}
}

func (f finding) String() string {
	text := fmt.Sprintf("%s: %s by %s", f.source, f.technique, f.rule)
	if f.shadow {
		text += " (shadow)"
	}
	return text
}

// findings are those of all happenings, by a plain evaluation: no Kafka, no encoding.
func findings(all []happening, t tagger.Tagger) (map[finding]int, error) {
	found := map[finding]int{}
	for i := range all {
		if all[i].isRaw() {
			continue
		}
		tags, err := t.AppendTags(nil, &all[i].event)
		if err != nil {
			return nil, err
		}
		for k := range tags {
			found[findingOf(&tags[k], tags[k].RuleState == tagger.Shadow)]++
		}
	}
	return found, nil
}

// A harvest is what came out of Kafka. It is safe for concurrent use.
type harvest struct {
	mu    sync.Mutex
	found map[finding]int
	dead  []kafka.Record
}

func (h *harvest) tag(t *tagger.Tag, shadow bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.found[findingOf(t, shadow)]++
}

func (h *harvest) deadLetter(r *kafka.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dead = append(h.dead, *r)
}

// faults lists how the harvest of all differs from want, the findings of a plain evaluation, and from what the
// script says: sorted, nil if it does not.
func (h *harvest) faults(all []happening, want map[finding]int) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var faults []string
	techniques := map[string][]string{}
	for f, n := range h.found {
		techniques[f.source] = append(techniques[f.source], f.technique)
		switch {
		case want[f] == 0:
			faults = append(faults, fmt.Sprintf("unexpected: %v", f))
		case n != want[f]:
			faults = append(faults, fmt.Sprintf("%d times instead of %d: %v", n, want[f], f))
		}
	}
	for f := range want {
		if h.found[f] == 0 {
			faults = append(faults, fmt.Sprintf("missing: %v", f))
		}
	}
	for i := range all {
		if all[i].isRaw() {
			continue
		}
		id := all[i].event.SourceID
		got := slices.Compact(slices.Sorted(slices.Values(techniques[id])))
		if !slices.Equal(got, all[i].expect) {
			faults = append(faults, fmt.Sprintf("not as the script says: %s: got %s, want %s", id, list(got), list(all[i].expect)))
		}
	}
	faults = append(faults, h.deadFaults(all)...)
	slices.Sort(faults)
	return faults
}

// deadFaults compares the dead letters with the raw happenings: key and value untouched, the class as told.
func (h *harvest) deadFaults(all []happening) []string {
	var faults []string
	left := slices.Clone(h.dead)
	for i := range all {
		want := &all[i]
		if !want.isRaw() {
			continue
		}
		at := slices.IndexFunc(left, func(r kafka.Record) bool {
			return string(r.Key) == want.key && bytes.Equal(r.Value, want.raw) && r.Header(consume.HeaderErrorClass) == string(want.class)
		})
		if at < 0 {
			faults = append(faults, fmt.Sprintf("missing: dead letter of class %s with key %q and the bytes %q", want.class, want.key, want.raw))
			continue
		}
		left = slices.Delete(left, at, at+1)
	}
	for i := range left {
		faults = append(faults, fmt.Sprintf("unexpected: dead letter of %s: %s", left[i].Header(consume.HeaderSource), left[i].Header(consume.HeaderError)))
	}
	return faults
}

// list shows technique ids.
func list(ids []string) string { return "[" + strings.Join(ids, " ") + "]" }

// table is the harvest by technique, for people.
func (h *harvest) table() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	type row struct{ technique, tactic string }
	tags, rules, events := map[row]int{}, map[row]map[string]bool{}, map[row]map[string]bool{}
	for f, n := range h.found {
		r := row{f.technique, f.tactic}
		if tags[r] == 0 {
			rules[r], events[r] = map[string]bool{}, map[string]bool{}
		}
		tags[r] += n
		rules[r][f.rule] = true
		events[r][f.source] = true
	}
	byID := func(a, b row) int {
		return cmp.Or(cmp.Compare(a.technique, b.technique), cmp.Compare(a.tactic, b.tactic))
	}
	var text strings.Builder
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TECHNIQUE\tNAME\tTACTIC\tTAGS\tRULES\tEVENTS")
	for _, r := range slices.SortedFunc(maps.Keys(tags), byID) {
		technique, _ := attack.Lookup(r.technique)
		tactic, _ := attack.LookupTactic(r.tactic)
		fmt.Fprintf(t, "%s\t%s\t%s %s\t%d\t%s\t%d\n", r.technique, technique.Name, r.tactic, tactic.Name, tags[r],
			strings.Join(slices.Sorted(maps.Keys(rules[r])), ","), len(events[r]))
	}
	_ = t.Flush() // a Builder takes everything
	return text.String()
}
