package tagger

// A State is what an operator has ordered about a rule. It is a text, since enumerations do not evolve in Avro.
type State string

// The states of a rule.
const (
	Enabled  State = "enabled"  // the default
	Disabled State = "disabled" // gives no tags
	Clipped  State = "clipped"  // gives tags, their confidence under a ceiling
	Shadow   State = "shadow"   // gives tags to the shadow topic only
)

// States lists all states, the default first.
func States() []State { return []State{Enabled, Disabled, Clipped, Shadow} }

// A Standing is an operator's order as tagging sees it. The zero value is not valid; DefaultStanding is.
type Standing struct {
	State         State
	ConfidenceMax *float64 // ceiling of the confidence, 0 to 1; nil = none
}

// DefaultStanding is the standing of a rule nobody gave an order about.
func DefaultStanding() Standing { return Standing{State: Enabled} }

// Equal reports whether two standings say the same.
func (s Standing) Equal(o Standing) bool {
	if s.ConfidenceMax == nil || o.ConfidenceMax == nil {
		return s == o
	}
	return s.State == o.State && *s.ConfidenceMax == *o.ConfidenceMax
}

// Limit is the confidence that a tag carries: base, under the ceiling if there is one.
func (s Standing) Limit(base float64) float64 {
	if s.ConfidenceMax == nil {
		return base
	}
	return min(base, *s.ConfidenceMax)
}
