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
var kinds = map[string]Func{"command": command, "http_request": httpRequest}

// Of is what the payloads of a source kind are extended by; nil = nothing.
func Of(kind string) Func { return kinds[kind] }

// Names are the derived fields of a source kind, at the top of its payloads.
func Names(kind string) []string {
	switch kind {
	case "command":
		return []string{"segments", "pipelines", "argv0", "decoded"}
	case "http_request":
		return []string{"decoded"}
	}
	return nil
}

// appendTexts appends a list of texts. Without one it appends nothing, unless that would leave the payload's own.
func appendTexts(dst []byte, members []match.Member, name string, texts [][]byte) []byte {
	if len(texts) == 0 && !has(members, name) {
		return dst
	}
	dst = append(append(append(dst, ',', '"'), name...), '"', ':', '[')
	for i, t := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, t)
	}
	return append(dst, ']')
}

// has reports whether there may be a member of this name: one whose name has escapes may be any.
func has(members []match.Member, name string) bool {
	for i := range members {
		if m := &members[i]; !m.Plain || string(m.Name) == name {
			return true
		}
	}
	return false
}
