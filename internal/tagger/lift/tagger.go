package lift

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/payload"
)

var _ tagger.Tagger = (*Tagger)(nil)

// A Tagger is a set of compiled rules. It is immutable and safe for concurrent use.
type Tagger struct {
	byKind map[string][]*kindRule
	pool   *sync.Pool // of workspaces
}

// A workspace is what tagging one event needs besides the rules.
type workspace struct {
	scratch *match.Scratch
	payload payload.Payload
	finding finding
	fired   []firing
}

// A firing is a rule that has fired on the event at hand, with the number of its tags.
type firing struct {
	rule *kindRule
	tags int
}

// Name implements tagger.Tagger.
func (t *Tagger) Name() string { return "lift" }

// Kinds implements tagger.Tagger: the kinds that the rules apply to, sorted.
func (t *Tagger) Kinds() []string { return slices.Sorted(maps.Keys(t.byKind)) }

// AppendTags implements tagger.Tagger: tags in the order of their rules' ids, of one rule in that of its emits. Its only
// error is a payload that is no JSON object, which wire lets nothing through with.
func (t *Tagger) AppendTags(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error) {
	rules := t.byKind[ev.SourceKind]
	if len(rules) == 0 {
		return dst, nil
	}
	w := t.pool.Get().(*workspace) //nolint:forcetypeassert // New makes nothing else
	defer t.pool.Put(w)
	if err := w.payload.Read(w.scratch, ev.SourceKind, ev.Payload); err != nil {
		return dst, fmt.Errorf("payload of %s %q: %w", ev.SourceKind, ev.SourceID, err)
	}
	w.fired = w.fired[:0]
	bump, out := 0.0, dst
	var bumping []*kindRule
	for _, r := range rules {
		w.finding.reset()
		if r.lift.identity && ev.IdentityUUID == "" || !r.lift.logic(&w.payload, &w.finding) {
			continue
		}
		if w.finding.bump != 0 {
			if r.origin.Standing.State != tagger.Shadow { // what is on trial changes no tag that is trusted
				bump += r.origin.Standing.Limit(w.finding.bump)
				bumping = append(bumping, r)
			}
			continue
		}
		before := len(out)
		out = w.appendTags(out, ev, r)
		w.fired = append(w.fired, firing{r, len(out) - before})
		r.count()
	}
	if len(bumping) > 0 && len(w.fired) > 0 {
		raise(out[len(dst):], w.fired, bump)
		for _, r := range bumping {
			r.count()
		}
	}
	return out, nil
}

// appendTags appends the tags of a rule that has fired.
func (w *workspace) appendTags(dst []tagger.Tag, ev *tagger.TaggerEvent, r *kindRule) []tagger.Tag {
	r.permit(w.finding.extra)
	var shared []byte // the evidence of emits that have none of their own
	for _, e := range w.finding.fired(len(r.lift.emits)) {
		evidence := shared
		switch {
		case len(e.extra) > 0:
			extra := maps.Clone(w.finding.extra)
			if extra == nil {
				extra = map[string]any{}
			}
			maps.Copy(extra, e.extra)
			r.permit(extra)
			evidence = w.payload.Evidence(r.evidence, extra)
		case shared == nil:
			shared = w.payload.Evidence(r.evidence, w.finding.extra)
			evidence = shared
		}
		emit := r.lift.emits[e.index]
		emit.Confidence = unit(emit.Confidence * e.scale)
		tag := r.origin.Tag(ev, &emit, evidence)
		if r.lift.identity {
			tag.AttackerUUID = "" // its id stays that of the event
		}
		dst = append(dst, tag)
	}
	return dst
}

// permit leaves out of the evidence what must not leave.
func (r *kindRule) permit(extra map[string]any) {
	maps.DeleteFunc(extra, func(key string, _ any) bool { return !r.shown.key(key) })
}

func (r *kindRule) count() {
	if r.fires != nil {
		r.fires.Add(1)
	}
}

// raise adds to the confidence of tags, those of fired one after the other, before the operators' ceilings.
func raise(tags []tagger.Tag, fired []firing, by float64) {
	for _, f := range fired {
		for i := range tags[:f.tags] {
			base := unit(tags[i].ConfidenceBase + by)
			tags[i].ConfidenceBase, tags[i].Confidence = base, f.rule.origin.Standing.Limit(base)
		}
		tags = tags[f.tags:]
	}
}

// unit is the number between 0 and 1 that is nearest to x; 0 for none.
func unit(x float64) float64 {
	if x > 0 {
		return min(x, 1)
	}
	return 0
}
