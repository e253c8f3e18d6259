// Package derive computes fields that rules can name beside those of the payload: what a text means once the ways of
// hiding it are undone. A derived field stands at the top of the payload, in the place of one that a sensor has sent
// under its name.
package derive

import "ttpworker/internal/match"

// A Func appends derived fields to dst, as the members of a JSON object, each with a comma before it: `,"argv0":["id"]`.
// It is given the members of the payload. It is pure, its work is bounded by the size of the payload, and there is no
// payload that it fails on. It must not keep members, and is safe for concurrent use.
type Func func(dst []byte, members []match.Member) []byte

// kinds are the derived fields by source kind.
var kinds = map[string]Func{}

// Of is what the payloads of a source kind are extended by; nil = nothing.
func Of(kind string) Func { return kinds[kind] }

// text appends the text of the last member of this name. It reports whether there is one and it is a text.
func text(dst []byte, members []match.Member, name string) ([]byte, bool) {
	for i := len(members) - 1; i >= 0; i-- {
		if m := &members[i]; m.Plain && string(m.Name) == name {
			if m.Value[0] != '"' {
				return dst, false
			}
			return match.AppendText(dst, m.Value[1:len(m.Value)-1]), true
		}
	}
	return dst, false
}
