package match

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// A group of modifiers exclude each other and what is not allowed beside them.
type group uint8

const (
	groupGeneric   group = iota // beside any other
	groupTransform              // change a text into others
	groupFlag                   // of a regular expression
	groupType                   // what the value is taken for; one at the most
	groupTime                   // beside comparisons only
)

// modifierGroups are all modifiers of Sigma 2.1.
var modifierGroups = map[string]group{
	"all": groupGeneric, "neq": groupGeneric, "cased": groupGeneric, "expand": groupGeneric,
	"contains": groupTransform, "startswith": groupTransform, "endswith": groupTransform, "windash": groupTransform,
	"base64": groupTransform, "base64offset": groupTransform,
	"utf16": groupTransform, "utf16le": groupTransform, "utf16be": groupTransform, "wide": groupTransform,
	"i": groupFlag, "m": groupFlag, "s": groupFlag,
	"re": groupType, "cidr": groupType, "exists": groupType, "fieldref": groupType,
	"lt": groupType, "lte": groupType, "gt": groupType, "gte": groupType,
	"minute": groupTime, "hour": groupTime, "day": groupTime, "week": groupTime, "month": groupTime, "year": groupTime,
}

// A modifiers is what stands behind a field's name.
type modifiers struct {
	all, neq, cased, expand bool

	transforms []string
	typ        string // the modifier of groupType; "" = a plain value
	flags      string // of re
	timePart   string
}

// parseModifiers reads the modifiers of a key and says which do not go together.
func parseModifiers(names []string) (modifiers, error) {
	var m modifiers
	for i, name := range names {
		g, known := modifierGroups[name]
		switch {
		case name == "":
			return m, fmt.Errorf("modifier is missing behind %q", "|")
		case !known:
			return m, fmt.Errorf("unknown modifier %q", name)
		case slices.Contains(names[:i], name):
			return m, fmt.Errorf("modifier %q is given twice", name)
		}
		switch g {
		case groupGeneric:
			m.generic(name)
		case groupTransform:
			m.transforms = append(m.transforms, name)
		case groupFlag:
			if m.typ != "re" {
				return m, fmt.Errorf("modifier %q goes behind re only", name)
			}
			m.flags += name
		case groupType:
			if m.typ != "" {
				return m, fmt.Errorf("modifiers %q and %q do not go together", m.typ, name)
			}
			m.typ = name
		case groupTime:
			if m.timePart != "" {
				return m, fmt.Errorf("modifiers %q and %q do not go together", m.timePart, name)
			}
			m.timePart = name
		}
	}
	return m, m.check()
}

func (m *modifiers) generic(name string) {
	switch name {
	case "all":
		m.all = true
	case "neq":
		m.neq = true
	case "cased":
		m.cased = true
	case "expand":
		m.expand = true
	}
}

// check says which modifiers do not go together.
func (m *modifiers) check() error {
	for _, t := range m.transforms {
		switch {
		case m.timePart != "":
			return fmt.Errorf("modifiers %q and %q do not go together", m.timePart, t)
		case m.typ == "fieldref" && isAffix(t) && len(m.transforms) == 1:
		case m.typ != "":
			return fmt.Errorf("modifiers %q and %q do not go together", m.typ, t)
		}
	}
	switch {
	case m.timePart != "" && m.typ != "" && relations[m.typ].holds == nil:
		return fmt.Errorf("modifiers %q and %q do not go together", m.timePart, m.typ)
	case m.cased && (m.timePart != "" || m.typ != "" && m.typ != "fieldref"):
		return fmt.Errorf("modifiers %q and \"cased\" do not go together", m.timePart+m.typ)
	case m.expand && m.typ == "exists":
		return fmt.Errorf("modifiers %q and \"expand\" do not go together", m.typ)
	}
	return nil
}

// isAffix reports whether a modifier says where in a text the value stands.
func isAffix(name string) bool {
	return name == "contains" || name == "startswith" || name == "endswith"
}

// transform applies one modifier of groupTransform. The error says why a value has no such form.
func transform(name string, g *glob, limit int) ([]*glob, error) {
	switch name {
	case "contains":
		return []*glob{g.open(true, true)}, nil
	case "startswith":
		return []*glob{g.open(false, true)}, nil
	case "endswith":
		return []*glob{g.open(true, false)}, nil
	case "windash":
		all := windash(g, limit)
		if size := len(g.String()); len(all) > 1 && len(all)*size > maxDashed {
			return nil, fmt.Errorf("windash makes %d values of this one of %d bytes, which is too much", len(all), size)
		}
		return all, nil
	case "utf16", "utf16le", "utf16be", "wide":
		return []*glob{encodeUTF16(name, g)}, nil
	}
	text, ok := g.literal()
	if !ok {
		return nil, fmt.Errorf("%s of a value with wildcards: encode first, then contains, startswith or endswith", name)
	}
	if name == "base64" {
		return []*glob{literalGlob(base64.StdEncoding.EncodeToString([]byte(text)))}, nil
	}
	return base64offset(text), nil
}

// base64offset is what a text becomes in base64 at each of the three places that it can have in a group of three
// bytes, without the characters that depend on what stands around it.
func base64offset(text string) []*glob {
	var out []*glob
	for shift := range 3 {
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + text))
		begin := [...]int{0, 2, 3}[shift]
		end := len(encoded) - [...]int{0, 3, 2}[(len(text)+shift)%3]
		if begin < end {
			out = append(out, literalGlob(encoded[begin:end]))
		}
	}
	return out
}

func encodeUTF16(name string, g *glob) *glob {
	first := name == "utf16" // a byte order mark in front of the whole
	return g.mapText(func(s string) string {
		var b []byte
		if first {
			b, first = append(b, 0xff, 0xfe), false
		}
		for _, u := range utf16.Encode([]rune(s)) {
			lo, hi := byte(u&0xff), byte(u>>8)
			if name == "utf16be" {
				lo, hi = hi, lo
			}
			b = append(b, lo, hi)
		}
		return string(b)
	})
}

// maxDashed bounds what windash makes of one value, in bytes, as it is copied for each combination of dashes.
const maxDashed = 16 << 20

// dashes are what Windows programs and people take for the beginning of an option: hyphen, slash, en dash, em dash and
// horizontal bar.
var dashes = []rune("-/\u2013\u2014\u2015")

// windash gives the value with every combination of dashes where it has one that begins an option: nothing of a word
// stands in front of it, and a word begins behind it. It gives up, with more than limit values, once there are as many.
func windash(g *glob, limit int) []*glob {
	out := []*glob{{}}
	extend := func(add func(*partBuilder)) {
		for _, o := range out {
			b := partBuilder{o.parts[len(o.parts)-1]}
			b.part.any = slices.Clone(b.part.any)
			add(&b)
			o.parts[len(o.parts)-1] = b.part
		}
	}
	for i := range g.parts {
		for _, o := range out {
			o.parts = append(o.parts, part{})
		}
		g.parts[i].stretches(func(text string, wild bool) {
			if wild {
				extend((*partBuilder).anyChar)
				return
			}
			last, from := ' ', 0 // from is where the text begins that is not added yet
			for i := 0; i < len(text); {
				r, size := utf8.DecodeRuneInString(text[i:])
				next, _ := utf8.DecodeRuneInString(text[i+size:])
				if slices.Contains(dashes, r) && !isWord(last) && isWord(next) && len(out) <= limit && len(out)*len(text) <= maxDashed {
					begin := text[from:i]
					extend(func(b *partBuilder) { b.text(begin) })
					out = multiply(out, dashes)
					from = i + size
				}
				last, i = r, i+size
			}
			extend(func(b *partBuilder) { b.text(text[from:]) })
		})
	}
	return out
}

// multiply gives each glob with each of the characters behind it.
func multiply(globs []*glob, chars []rune) []*glob {
	out := make([]*glob, 0, len(globs)*len(chars))
	for _, g := range globs {
		for _, r := range chars {
			parts := slices.Clone(g.parts)
			parts[len(parts)-1].text += string(r)
			out = append(out, &glob{parts: parts})
		}
	}
	return out
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
