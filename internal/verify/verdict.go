package verify

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/google/uuid"

	"ttpworker/internal/kafka"
)

// A Kind is how what is there differs from what the plan gives.
type Kind string

// The kinds of difference.
const (
	Missing   Kind = "missing"   // the plan gives the tag, and it is not there
	Extra     Kind = "extra"     // it is there, and the plan does not give it
	Different Kind = "different" // its value or its source is another one
	Misplaced Kind = "misplaced" // it is in the topic that it does not belong in, whether it is in the other one, too, or not
)

// Kinds are all kinds, in the order in which they are shown.
func Kinds() []Kind { return []Kind{Missing, Extra, Different, Misplaced} }

// A difference is one, with what is needed to look at it again.
type difference struct {
	kind   Kind
	id     uuid.UUID
	label  Label
	source int64 // offset of the event that decides; for an extra tag of the one that it names
	want   bool  // source is an event that gives the tag
	home   int8  // topic that it belongs in
	// Offsets of the tag's records by topic; -1 = there is none.
	at [2]int64
}

func (d *difference) compare(o *difference) int {
	return cmp.Or(cmp.Compare(d.source, o.source), bytes.Compare(d.id[:], o.id[:]))
}

// A verdict is what the check of a partition came to.
type verdict struct {
	counts  map[Kind]map[Label]int
	samples map[Kind][]difference // the first of each kind, in the order of their sources
	unknown map[Unknown]int       // tags of which nothing can be said
	most    int                   // samples of a kind
}

func (v *verdict) add(d difference) {
	if v.counts[d.kind] == nil {
		v.counts[d.kind] = map[Label]int{}
	}
	v.counts[d.kind][d.label]++
	kept := v.samples[d.kind]
	i, _ := slices.BinarySearchFunc(kept, d, func(a, b difference) int { return a.compare(&b) })
	if i < v.most {
		v.samples[d.kind] = slices.Insert(kept, i, d)[:min(len(kept)+1, v.most)]
	}
}

// verdict compares what is there with what must be there. gone is where the partition begins by now: of events before
// that one cannot tell whether they were read.
func (c *check) verdict(gone int64, samples int) *verdict {
	v := &verdict{counts: map[Kind]map[Label]int{}, samples: map[Kind][]difference{}, unknown: map[Unknown]int{}, most: samples}
	for id, w := range c.wants {
		c.judge(v, id, w, gone)
	}
	for in := range c.found {
		for id, f := range c.found[in] {
			if _, wanted := c.wants[id]; wanted {
				continue
			}
			if why := c.unknown(f.source, gone); why != "" {
				v.unknown[why]++
				continue
			}
			d := difference{kind: Extra, id: id, label: c.labels.all[f.label], source: f.source, at: [2]int64{-1, -1}}
			d.at[in] = f.at
			v.add(d)
		}
	}
	return v
}

// judge judges a tag that must be there.
func (c *check) judge(v *verdict, id uuid.UUID, w want, gone int64) {
	home, inHome := c.found[w.home][id]
	other, inOther := c.found[1-w.home][id]
	// An event behind the one that decides, of which it is not known what it gives, may have decided in truth.
	for _, f := range []found{home, other} {
		if why := c.unknown(f.source, gone); f.live && f.source > w.source && why != "" {
			v.unknown[why]++
			return
		}
	}
	d := difference{id: id, label: c.labels.all[w.label], source: w.source, want: true, home: w.home, at: [2]int64{-1, -1}}
	if inHome && home.live {
		d.at[w.home] = home.at
	}
	if inOther && other.live {
		d.at[1-w.home] = other.at
	}
	switch {
	case inOther && other.live && other.source != outside:
		d.kind = Misplaced
	case inHome && home.source == outside, inOther && other.live && (!inHome || !home.live):
		return // somebody else's
	case !inHome || !home.live:
		d.kind = Missing
	case home.broken || home.sum != w.sum || home.source != w.source:
		d.kind = Different
	default:
		return
	}
	v.add(d)
}

// unknown says why it is not known what an event of the range gives; "" if it is.
func (c *check) unknown(offset, gone int64) Unknown {
	if why := c.dark[offset]; why != "" {
		return why
	}
	if slices.ContainsFunc(c.passed, func(s kafka.Span) bool { return s.From <= offset && offset < s.To }) {
		return Undecodable
	}
	if offset < gone {
		return Gone
	}
	return ""
}
