package lift

import (
	"slices"
	"strings"

	"ttpworker/internal/tagger/payload"
)

// A lifter is logic that rules can name.
type lifter struct {
	name     string   // behind "lifter:"; letters, digits and underscores
	kinds    []string // source kinds whose payloads it reads
	finds    string   // for people: when a rule fires
	params   []param
	adds     []string // keys that it adds to the evidence
	identity bool     // its tags are about the event's identity: they have no attacker, and without an identity there are none
	build    func(u *use) logic
}

// A logic is a lifter with the parameters of a rule: it reports whether the rule fires on a payload, and fills in what is
// more to say. It is pure and safe for concurrent use; it must not keep the payload.
type logic func(p *payload.Payload, f *finding) bool

// lifters is the table of all lifters, sorted by name.
func lifters() []lifter {
	return slices.SortedFunc(slices.Values(slices.Concat(
		attemptLifters(), sharedLifters(), behaviourLifters(), traceLifters(), pathLifters(), ransomLifters(), addressLifters(), fingerprintLifters(),
		senderLifters(), contentLifters(), canaryLifters(), intelLifters(),
	)), func(a, b lifter) int { return strings.Compare(a.name, b.name) })
}

// find returns the lifter of a name.
func find(name string) (lifter, bool) {
	all := lifters()
	i := slices.IndexFunc(all, func(l lifter) bool { return l.name == name })
	if i < 0 {
		return lifter{}, false
	}
	return all[i], true
}

// namesFor lists for people the lifters that read events of one of these kinds.
func namesFor(kinds []string) string {
	var names []string
	for _, l := range lifters() {
		if slices.ContainsFunc(kinds, func(kind string) bool { return slices.Contains(l.kinds, kind) }) {
			names = append(names, l.name)
		}
	}
	if len(names) == 0 {
		return "none reads events of kind " + strings.Join(kinds, ", ")
	}
	return strings.Join(kinds, ", ") + " has " + strings.Join(names, ", ")
}
