package rule

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
)

// A Source is the texts that a rule was made of, with all else that its digest hangs on: where the worker runs that reads
// them, with which configuration, and what has become of the files makes no difference.
type Source struct {
	Rule    SourceFile
	Filters []SourceFile // the Sigma filters that were merged in, in that order
	Kinds   []string     // source kinds that the rule and its tests name; the first is that of a Sigma rule
	Sigma   *SigmaSource // nil for our own form
}

// A SourceFile is one file with the shared lists that it uses.
type SourceFile struct {
	Path  string
	Text  string
	Lists map[string][]string // values by name; those of one name may differ from file to file, while one of them is refused
}

// A SigmaSource is what the configuration adds to the file of a Sigma rule.
type SigmaSource struct {
	Fields     map[string]string // payload paths by Sigma field: the entry of the mapping that the rule came through
	Confidence float64           // of the rule's level, 0 to 1
}

// Source returns what r was made of. Maps and slices are shared and not to be changed.
func (r *Rule) Source() Source {
	s := Source{Rule: r.sourceFile(), Kinds: slices.Clone(r.Kinds)}
	for _, t := range r.Tests {
		if !slices.Contains(s.Kinds, t.Kind) {
			s.Kinds = append(s.Kinds, t.Kind)
		}
	}
	if r.sigma != nil {
		s.Sigma = &SigmaSource{Fields: r.sigma.entry.fields(), Confidence: r.Emits[0].Confidence} // all have that of the level
	}
	for _, f := range r.merged {
		s.Filters = append(s.Filters, f.sourceFile())
	}
	return s
}

func (r *Rule) sourceFile() SourceFile {
	f := SourceFile{Path: r.File.Path, Text: r.File.Text, Lists: map[string][]string{}}
	for _, name := range r.Lists {
		switch {
		case r.written != nil:
			f.Lists[name] = r.written.lists[name]
		case r.Filter != nil:
			f.Lists[name] = r.Filter.lists[name]
		}
	}
	return f
}

// ErrSource is in every error of Source.Parse: what was in force once is no good rule to this version of the worker.
var ErrSource = errors.New("rule cannot be read again")

// Parse makes the rule of s again, of the same digest as the one it is the source of, unless rules are read in another
// way since then, or ATT&CK has another table. Limits are none: what was in force has kept those of its time.
func (s *Source) Parse() (*Rule, error) {
	files := make([]*Rule, 0, 1+len(s.Filters))
	p := s.parser()
	for i := range 1 + len(s.Filters) {
		f := &s.Rule
		if i > 0 {
			f = &s.Filters[i-1]
		}
		lists := Lists{}
		for name, values := range f.Lists {
			lists[name] = &List{Name: name, Values: values, Path: f.Path}
		}
		r, _, err := p.ParseWith(lists, f.Path, []byte(f.Text))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSource, err)
		}
		if (r.Filter == nil) != (i == 0) {
			return nil, fmt.Errorf("%w: %s is a filter in place of a rule, or the other way round", ErrSource, f.Path)
		}
		files = append(files, r)
	}
	rules, _ := Resolve(files)
	if got, want := len(rules[0].merged), len(s.Filters); got != want {
		return nil, fmt.Errorf("%w: %d of its %d Sigma filters are for it", ErrSource, got, want)
	}
	return rules[0], nil
}

// parser reads the files of s as they were read.
func (s *Source) parser() Parser {
	p := Parser{
		Kinds: append(tagger.BuiltinKinds(), s.Kinds...), MaxBytes: math.MaxInt32,
		Limits: match.Limits{Regexp: math.MaxInt32, Expansion: math.MaxInt32, Atoms: math.MaxInt32},
	}
	if s.Sigma == nil {
		return p
	}
	entry := &mapEntry{Fields: maps.Clone(s.Sigma.Fields)} // without a logsource: it is for all
	if len(s.Kinds) > 0 {
		entry.SourceKind = s.Kinds[0]
	}
	p.Mapping.entries = []*mapEntry{entry}
	c := s.Sigma.Confidence
	p.Levels = Levels{Informational: c, Low: c, Medium: c, High: c, Critical: c, Missing: c}
	return p
}
