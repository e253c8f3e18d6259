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
