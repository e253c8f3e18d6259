package wire

import (
	"time"

	"ttpworker/internal/tagger"
)

// A RuleReloaded says that a rule is loaded, and what it is. Times are in microseconds and UTC.
type RuleReloaded struct {
	RuleID      string
	Name        string
	RuleDigest  string // of the resolved rule, 64 hexadecimal digits
	FileSHA256  string // of the file, 64 hexadecimal digits
	SourcePath  string // relative to the rules' directory
	YAML        string // the whole file
	RuleVersion *int   // nil for a Sigma rule
	Kinds       []string
	Emits       []Emit
	LoadedBy    string // the replica
	LoadedAt    time.Time
}

// An Emit is one technique that a rule stands for. Empty ids are null.
type Emit struct {
	Tactic         string
	TechniqueID    string
	SubTechniqueID string // the full id
	Confidence     float64
}

// A RuleArchive is a rule and all that it depends on. Times are in microseconds and UTC. What the fields mean together is
// rule.Source's business.
type RuleArchive struct {
	RuleID          string
	RuleVersion     *int   // nil for a Sigma rule
	RuleDigest      string // of the resolved rule, 64 hexadecimal digits
	SourcePath      string // relative to the rules' directory
	YAML            string // the whole file
	Lists           []SharedList
	Filters         []MergedFilter
	Kinds           []string
	SigmaFields     []MappedField
	SigmaConfidence *float64 // nil for a rule in our own form
	AttackRelease   string
	EngineSemantics *int   // nil = not known
	ArchivedBy      string // the replica
	ArchivedAt      time.Time
}

// A SharedList is one that an archived file uses.
type SharedList struct {
	Name   string
	Values []string
}

// A MergedFilter is a Sigma filter of an archived rule.
type MergedFilter struct {
	Path  string // relative to the rules' directory
	YAML  string // the whole file
	Lists []SharedList
}

// A MappedField is a field of Sigma and its dotted payload path.
type MappedField struct{ Name, Path string }

// A RuleState is one order of an operator about one rule. Times are in microseconds and UTC. What the fields mean
// together is store's business.
type RuleState struct {
	RuleID        string
	StateID       string // UUIDv4 of the order
	State         tagger.State
	Reason        string
	SetBy         string
	ConfidenceMax *float64  // nil = no ceiling
	ExpiresAt     time.Time // zero = never
	SetAt         time.Time
	Reverts       string // StateID of the expired order that this one reverts; "" = none
}
