package retag

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"ttpworker/internal/tagger"
)

// A Change is what becomes of a tag.
type Change string

// What becomes of tags.
const (
	Added     Change = "added"
	Removed   Change = "removed"
	Changed   Change = "changed"
	Unchanged Change = "unchanged"
)

// A Label is what tags are counted by.
type Label struct{ RuleID, Technique string }

// labelOf is the label of a tag.
func labelOf(t *tagger.Tag) Label { return Label{t.RuleID, t.Technique()} }

// labels number the labels of tags, since an index holds many. Safe for concurrent use.
type labels struct {
	mu      sync.Mutex
	numbers map[Label]uint32
	names   []Label
}

func newLabels() *labels { return &labels{numbers: map[Label]uint32{}} }

func (l *labels) number(name Label) uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, known := l.numbers[name]
	if !known {
		n = uint32(len(l.names)) //nolint:gosec // as many as rules have emits
		l.numbers[name] = n
		l.names = append(l.names, name)
	}
	return n
}

func (l *labels) name(number uint32) Label {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names[number]
}

// A Sample is one tag of those that are counted.
type Sample struct {
	Change Change `json:"change"`
	TagID  string `json:"tag_id"`
	Source string `json:"source"` // topic/partition/offset of the event that decided; of an added tag, of the first that gives it
}

// maxSamples is how many samples of a change are kept per label.
const maxSamples = 3

// Counts are of the tags of one label.
type Counts struct {
	Added     int      `json:"added"`
	Removed   int      `json:"removed"`
	Changed   int      `json:"changed"`
	Unchanged int      `json:"unchanged"`
	Samples   []Sample `json:"samples"` // not of unchanged ones
}

func (c *Counts) of(change Change) *int {
	switch change {
	case Added:
		return &c.Added
	case Removed:
		return &c.Removed
	case Changed:
		return &c.Changed
	default:
		return &c.Unchanged
	}
}

// add adds counts, and samples as far as there is room: *c has n of a change before, so it has min(n, maxSamples) samples of it.
func (c *Counts) add(o *Counts) {
	room := map[Change]int{Added: maxSamples - c.Added, Removed: maxSamples - c.Removed, Changed: maxSamples - c.Changed}
	for _, s := range o.Samples {
		if room[s.Change] > 0 {
			room[s.Change]--
			c.Samples = append(c.Samples, s)
		}
	}
	c.sum(o)
}

// sum adds counts without samples.
func (c *Counts) sum(o *Counts) {
	c.Added += o.Added
	c.Removed += o.Removed
	c.Changed += o.Changed
	c.Unchanged += o.Unchanged
}

// A Report is what a job has done, or would do. A tag that was not there and that several events of the range give, as one is sent
// again, counts once, for the first of them. A tag that was there counts once for the event that it came from, and once more for each
// later event that gives it now and did not before: an event that was sent again with another payload. The zero value is empty.
type Report struct {
	Events   int // of the range that were read
	Unknown  int // events that cannot be read or whose tagger failed: their tags stay
	Kept     int // tags of those
	Gone     int // tags of events that retention has taken, which stay
	Outside  int // tags that events outside the range have given, too: they stay as those left them
	Restored int // tags of live workers that the job had overwritten and wrote again
	Records  int // written
	ByLabel  map[Label]*Counts
}

// count counts a tag. tagID and source are asked for a sample.
func (r *Report) count(change Change, label Label, tagID func() string, source func() string) {
	c := r.label(label)
	n := c.of(change)
	*n++
	if change != Unchanged && *n <= maxSamples {
		c.Samples = append(c.Samples, Sample{change, tagID(), source()})
	}
}

// add adds another report.
func (r *Report) add(o *Report) {
	r.Events += o.Events
	r.Unknown += o.Unknown
	r.Kept += o.Kept
	r.Gone += o.Gone
	r.Outside += o.Outside
	r.Restored += o.Restored
	r.Records += o.Records
	for label, more := range o.ByLabel {
		r.label(label).add(more)
	}
}

// label is the counts of a label.
func (r *Report) label(label Label) *Counts {
	if r.ByLabel == nil {
		r.ByLabel = map[Label]*Counts{}
	}
	c := r.ByLabel[label]
	if c == nil {
		c = &Counts{}
		r.ByLabel[label] = c
	}
	return c
}

// Total is the sum of all labels, without samples.
func (r *Report) Total() Counts {
	var sum Counts
	for _, c := range r.ByLabel {
		sum.sum(c)
	}
	return sum
}

// Labels lists the labels by rule and technique.
func (r *Report) Labels() []Label {
	return slices.SortedFunc(maps.Keys(r.ByLabel), func(a, b Label) int {
		return cmp.Or(cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Technique, b.Technique))
	})
}
