package attack

import (
	"slices"
	"strings"
)

// Release is the ATT&CK release that the tables hold, as tags carry it.
const Release = "19.1"

// A Tactic is a column of the matrix: what an adversary is after.
type Tactic struct {
	ID        string // TA0006
	ShortName string // credential-access
	Name      string // Credential Access
	Order     int    // place in the matrix, from 1
}

// A Status says whether a technique may be used in this release.
type Status string

// The statuses of a technique.
const (
	Active     Status = "active"
	Revoked    Status = "revoked"    // another technique took its place
	Deprecated Status = "deprecated" // given up without a successor
)

// A Technique is a technique or sub-technique of this release, or one that an earlier release had.
type Technique struct {
	ID         string   // T1003, or T1003.008 for a sub-technique
	Name       string   // without the parent's name; not always ASCII
	Tactics    []string // ids in matrix order; nil unless active, since the tactics of old techniques are gone too
	Status     Status
	ReplacedBy string   // of a revoked technique, the id that took its place; else empty
	Platforms  []string // what it is seen on, such as Linux, or PRE for what happens before an attack; sorted; nil unless active
}

// IsSub reports whether t is a sub-technique.
func (t Technique) IsSub() bool { return t.Parent() != "" }

// Parent returns the id of the technique that t is a part of, T1003 for T1003.008, or "" if t is no sub-technique.
func (t Technique) Parent() string { return parentID(t.ID) }

// parentID returns what stands before the dot of a sub-technique's id, or "" if id has no dot.
func parentID(id string) string {
	parent, _, found := strings.Cut(id, ".")
	if !found {
		return ""
	}
	return parent
}

// Tactics returns the tactics in matrix order. The slice is the caller's.
func Tactics() []Tactic { return slices.Clone(embedded().tactics) }

// LookupTactic returns the tactic with this id (TA0006) or short name (credential-access), both as ATT&CK spells
// them.
func LookupTactic(idOrShortName string) (Tactic, bool) { return embedded().tactic(idOrShortName) }

// Lookup returns the technique or sub-technique with this id, of whatever status. Its slice is the caller's.
func Lookup(id string) (Technique, bool) {
	t, ok := embedded().techniques[id]
	return t.clone(), ok
}

// Techniques returns the active techniques and sub-techniques, sorted by id. The slices are the caller's.
func Techniques() []Technique {
	var all []Technique
	for _, t := range embedded().techniques {
		if t.Status == Active {
			all = append(all, t.clone())
		}
	}
	slices.SortFunc(all, func(a, b Technique) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func (t Technique) clone() Technique {
	t.Tactics, t.Platforms = slices.Clone(t.Tactics), slices.Clone(t.Platforms)
	return t
}

// Platforms returns the platforms that active techniques name, sorted.
func Platforms() []string {
	var all []string
	for _, t := range embedded().techniques {
		all = append(all, t.Platforms...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Current returns the active id that stands today for id, which is id itself if it is active. It reports false if
// there is none: id is unknown, or deprecated without a successor.
func Current(id string) (string, bool) { return embedded().current(id) }

// URL returns the address of a technique's page, or "" for "". It does not check that id exists.
func URL(id string) string {
	if id == "" {
		return ""
	}
	return "https://attack.mitre.org/techniques/" + strings.ReplaceAll(id, ".", "/") + "/"
}
