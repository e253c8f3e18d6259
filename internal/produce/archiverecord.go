package produce

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"ttpworker/internal/attack"
	"ttpworker/internal/kafka"
	"ttpworker/internal/rule"
	"ttpworker/internal/wire"
)

// An ArchivedRule is a rule with its source for the archive.
type ArchivedRule struct {
	Rule      *rule.Rule
	Shown     func(path string) string // of a file, relative to the rule directory
	Semantics int                      // engine.Semantics of who says so
	By        string                   // the replica that says so
	At        time.Time
}

// RuleArchiveRecord keeps the source of a rule under its digest.
func RuleArchiveRecord(enc *wire.Encoder, topic string, a ArchivedRule) (kafka.Record, error) {
	src := a.Rule.Source()
	w := wire.RuleArchive{
		RuleID: a.Rule.ID, RuleVersion: a.Rule.Version, RuleDigest: a.Rule.Digest,
		SourcePath: a.Shown(src.Rule.Path), YAML: src.Rule.Text, Lists: archivedLists(src.Rule.Lists), Kinds: src.Kinds,
		AttackRelease: attack.Release, EngineSemantics: new(a.Semantics), ArchivedBy: a.By, ArchivedAt: a.At,
	}
	for _, f := range src.Filters {
		w.Filters = append(w.Filters, wire.MergedFilter{Path: a.Shown(f.Path), YAML: f.Text, Lists: archivedLists(f.Lists)})
	}
	if src.Sigma != nil {
		w.SigmaConfidence = &src.Sigma.Confidence
		for _, name := range slices.Sorted(maps.Keys(src.Sigma.Fields)) {
			w.SigmaFields = append(w.SigmaFields, wire.MappedField{Name: name, Path: src.Sigma.Fields[name]})
		}
	}
	value, err := enc.RuleArchive(nil, &w)
	if err != nil {
		return kafka.Record{}, fmt.Errorf("encoding rule %q for the archive: %w", a.Rule.ID, err)
	}
	return kafka.Record{Topic: topic, Key: []byte(a.Rule.Digest), Value: value, Headers: headers(enc, wire.RuleArchiveRecord)}, nil
}

func archivedLists(lists map[string][]string) (out []wire.SharedList) {
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		out = append(out, wire.SharedList{Name: name, Values: lists[name]})
	}
	return out
}

// SourceOf is the source that a record of the archive keeps.
func SourceOf(w *wire.RuleArchive) rule.Source {
	src := rule.Source{Rule: rule.SourceFile{Path: w.SourcePath, Text: w.YAML, Lists: listsOf(w.Lists)}, Kinds: w.Kinds}
	for _, f := range w.Filters {
		src.Filters = append(src.Filters, rule.SourceFile{Path: f.Path, Text: f.YAML, Lists: listsOf(f.Lists)})
	}
	if w.SigmaConfidence != nil {
		src.Sigma = &rule.SigmaSource{Confidence: *w.SigmaConfidence, Fields: map[string]string{}}
		for _, f := range w.SigmaFields {
			src.Sigma.Fields[f.Name] = f.Path
		}
	}
	return src
}

func listsOf(lists []wire.SharedList) map[string][]string {
	out := map[string][]string{}
	for _, l := range lists {
		out[l.Name] = l.Values
	}
	return out
}
