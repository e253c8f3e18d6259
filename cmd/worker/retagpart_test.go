package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A part is what a job is bound to: the events of a range of a partition, and at times the tags of some rules.
type part struct {
	partition int32
	from, to  int64
	rules     []string // nil = all
}

// pick picks a part at random of what the live worker has read.
func (h *history) pick(t *testing.T) part {
	t.Helper()
	h.await(t, true)
	p := part{partition: h.rand.Int32N(historyPartitions), from: h.rand.Int64N(60)}
	p.to = p.from + 1 + h.rand.Int64N(300)
	ends, err := h.Ends(t.Context(), h.cfg.Topics.Events.Name)
	must(t, err)
	p.to = min(p.to, ends[p.partition])
	p.from = min(p.from, p.to)
	if h.rand.IntN(2) == 0 {
		p.rules = []string{"R0", "R1X"}
	}
	return p
}

func (p *part) args() []string {
	args := []string{
		"--partition", strconv.Itoa(int(p.partition)), "--from", strconv.FormatInt(p.from, 10), "--to", strconv.FormatInt(p.to, 10),
	}
	if p.rules != nil {
		args = append(args, "--rules", strings.Join(p.rules, ","))
	}
	return args
}

// offset is that of the event that a tag is there from; -1 if it is none of the partition.
func (p *part) offset(t *testing.T, tag standingTag) int64 {
	t.Helper()
	at := strings.Split(tag.Source, "/") // topic, partition, offset
	if len(at) != 3 || at[1] != strconv.Itoa(int(p.partition)) {
		return -1
	}
	n, err := strconv.ParseInt(at[2], 10, 64)
	must(t, err)
	return n
}

// has reports whether an event at this offset is of the part.
func (p *part) has(offset int64) bool { return offset >= p.from && offset < p.to }

// checkPart holds the tags of a part against an evaluation of its events alone: one that is there from an event of the part is
// as that gives it, and one that it gives is there, unless it is from an event outside.
func (h *history) checkPart(t *testing.T, p part) {
	t.Helper()
	of := func(tags map[string]standingTag) {
		for id, tag := range tags {
			var value struct{ RuleID string }
			must(t, json.Unmarshal([]byte(tag.Value), &value))
			if p.rules != nil && !slices.Contains(p.rules, value.RuleID) {
				delete(tags, id)
			}
		}
	}
	want, got := h.scratch(t, func(r *kgo.Record) bool { return r.Partition == p.partition && p.has(r.Offset) }), h.standing(t)
	of(want)
	of(got)
	for id := range got {
		key := strings.TrimSuffix(id, " too")
		one, two := got[key], got[key+" too"]
		if !p.has(max(p.offset(t, one), p.offset(t, two))) {
			delete(got, key)
			delete(got, key+" too")
			delete(want, key)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("tags of %v (-want +got):\n%s", p.args(), diff)
	}
}
