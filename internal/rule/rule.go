package rule

import (
	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/lift"
	"ttpworker/internal/yamlx"
)

// A Rule is one rule file, checked and resolved. It is never changed once Parse has returned it, so it is shared
// freely.
type Rule struct {
	ID             string
	Version        *int // nil for a Sigma rule
	Name           string
	Description    string
	Kinds          []string // source kinds it applies to (applies_to), as written
	Match          Match
	Emits          []tagger.Emit
	EvidenceFields []string // dotted payload paths that a tag shows, as written
	References     []string
	Author         string
	Tests          []Test
	Digest         string // SHA-256 of the resolved rule, 64 hexadecimal digits: what tagging depends on, no more
	File           File
	Warnings       []error     // what is doubtful about the file, one *Error each, in file order
	Allow          []Allowance // warnings that the file acknowledges, in file order
	Lists          []string    // names of the shared lists that it uses, sorted; without those of its filters
	Filters        []string    // ids of the Sigma filters that Resolve has merged in, sorted
	Filter         *Filter     // not nil: this is a Sigma filter, and no rule; it has id, name and file only

	on      map[string]*match.Detection // Match.Patterns by kind
	at      []match.Pos                 // where each of them stands
	idPos   yamlx.Pos                   // where the id's value stands, for Duplicate
	sigma   *sigmaRule                  // what only a Sigma rule has; else nil
	written *written                    // the detection; nil for patterns
	filters []*written                  // the detections of Filters
	merged  []*Rule                     // the filters themselves, as they were parsed
}

// Key is what no two files may share: the id, and for filters, which have names of their own, more than that.
func (r *Rule) Key() string {
	if r.Filter != nil {
		return "filter " + r.ID
	}
	return r.ID
}

// IsSigma reports whether r is in Sigma's form.
func (r *Rule) IsSigma() bool { return r.sigma != nil }

// Same reports whether o is what r is: the same file with the same filters merged in.
func (r *Rule) Same(o *Rule) bool { return r.File == o.File && r.Digest == o.Digest }

// A Match says when a rule fires. With a detection or a lifter it is that; else any pattern is found in any text at or below any
// field. A path that leads to a mapping or a list stands for every text below it; a path that leads nowhere, or to
// something that is no text, has nothing to say.
type Match struct {
	Fields    map[string][]string // dotted payload paths by source kind, defaults resolved
	Patterns  []match.Expression
	Detection *match.Detection // nil for a rule with patterns or a lifter
	Lift      *lift.Lift       // nil for a rule without a lifter
}

// On is the detection that r is on events of one of its kinds; nil for a lifter and for other kinds.
func (r *Rule) On(kind string) *match.Detection {
	if r.Match.Detection != nil {
		return r.Match.Detection
	}
	return r.on[kind]
}

// A File is where a rule came from.
type File struct {
	Path   string // as given to Parse
	SHA256 string // of Text, 64 hexadecimal digits: any edit changes it, a comment too
	Text   string // the whole file
}

// Origin is what the tags of r say about it under an operator's standing order.
func (r *Rule) Origin(s tagger.Standing, attackRelease string) tagger.Origin {
	return tagger.Origin{
		RuleID: r.ID, RuleVersion: r.Version, RuleDigest: r.Digest, AttackRelease: attackRelease, Standing: s,
	}
}
