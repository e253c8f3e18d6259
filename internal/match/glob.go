package match

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A glob is a text with wildcards: literal texts between stars, each of which may hold question marks.
type glob struct {
	parts []part // between the stars; at least one, of which any may be empty
}

// A part is what stands between two stars.
type part struct {
	text string // '?' below where any is set
	any  []int  // places in text, in bytes, of the question marks; nil = text is a literal
}

// literal returns the text if the glob has no wildcard.
func (g *glob) literal() (string, bool) {
	if len(g.parts) == 1 && g.parts[0].any == nil {
		return g.parts[0].text, true
	}
	return "", false
}

// mapText returns the glob with every literal stretch changed by f, which must not look beyond it.
func (g *glob) mapText(f func(string) string) *glob {
	out := &glob{parts: make([]part, len(g.parts))}
	for i := range g.parts {
		var b partBuilder
		g.parts[i].stretches(func(text string, wild bool) {
			if wild {
				b.anyChar()
				return
			}
			b.text(f(text))
		})
		out.parts[i] = b.part
	}
	return out
}

// stretches calls f for each literal stretch and each question mark of the part, in order.
func (p *part) stretches(f func(text string, wild bool)) {
	from := 0
	for _, at := range p.any {
		if at > from {
			f(p.text[from:at], false)
		}
		f("", true)
		from = at + 1
	}
	if from < len(p.text) {
		f(p.text[from:], false)
	}
}

// A partBuilder makes a part.
type partBuilder struct{ part part }

func (b *partBuilder) text(s string) { b.part.text += s }

func (b *partBuilder) anyChar() {
	b.part.any = append(b.part.any, len(b.part.text))
	b.part.text += "?"
}

// parseGlob reads a Sigma text: * is any text and ? any character; a backslash in front of a wildcard or of another
// backslash makes that literal, and stands for itself elsewhere.
func parseGlob(s string) *glob {
	g := &glob{}
	var text []byte // of the part at hand
	var marks []int
	end := func() {
		g.parts = append(g.parts, part{string(text), marks})
		text, marks = text[:0], nil
	}
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			if r != '*' && r != '?' && r != '\\' {
				text = append(text, '\\')
			}
			text = utf8.AppendRune(text, r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*':
			end()
		case r == '?':
			marks = append(marks, len(text))
			text = append(text, '?')
		default:
			text = utf8.AppendRune(text, r)
		}
	}
	if escaped {
		text = append(text, '\\')
	}
	end()
	return g
}

// literalGlob is a glob without wildcards.
func literalGlob(s string) *glob { return &glob{parts: []part{{text: s}}} }

// open lets anything stand before the glob, after it, or both.
func (g *glob) open(before, after bool) *glob {
	parts := g.parts
	if before && (len(parts) == 1 || !parts[0].empty()) {
		parts = append([]part{{}}, parts...)
	}
	if after && (len(parts) == 1 || !parts[len(parts)-1].empty()) {
		parts = append(slices.Clip(parts), part{})
	}
	return &glob{parts: parts}
}

// isContains reports whether the glob is a literal with anything around it.
func (g *glob) isContains() bool {
	return len(g.parts) == 3 && g.parts[0].empty() && g.parts[1].any == nil && g.parts[2].empty()
}

func (p *part) empty() bool { return p.text == "" }

// String is the glob as Sigma writes it; equal globs have equal texts.
func (g *glob) String() string {
	var b strings.Builder
	for i := range g.parts {
		if i > 0 {
			b.WriteByte('*')
		}
		g.parts[i].stretches(func(text string, wild bool) {
			if wild {
				b.WriteByte('?')
				return
			}
			for _, c := range []byte(text) {
				if c == '*' || c == '?' || c == '\\' {
					b.WriteByte('\\')
				}
				b.WriteByte(c)
			}
		})
	}
	return b.String()
}

// match reports whether the whole text is one that the glob stands for. The first part is bound to the beginning and
// the last to the end; each part between is taken where it is found first, which is enough. It takes time linear in
// the text for parts without question marks, and in the product of text and part with them.
func (g *glob) match(text []byte) bool {
	first, rest := &g.parts[0], g.parts[1:]
	n := first.prefixOf(text)
	if n < 0 {
		return false
	}
	if len(rest) == 0 {
		return n == len(text)
	}
	text = text[n:]
	last := &rest[len(rest)-1]
	for i := range rest[:len(rest)-1] {
		at, size := rest[i].index(text)
		if at < 0 {
			return false
		}
		text = text[at+size:]
	}
	return last.suffixOf(text)
}

// prefixOf returns how many bytes at the beginning of text the part stands for; -1 = it does not.
func (p *part) prefixOf(text []byte) int {
	if p.any == nil {
		if len(text) < len(p.text) || string(text[:len(p.text)]) != p.text {
			return -1
		}
		return len(p.text)
	}
	at, from := 0, 0
	for _, q := range p.any {
		lit := p.text[from:q]
		if len(text)-at <= len(lit) || string(text[at:at+len(lit)]) != lit {
			return -1
		}
		at += len(lit)
		_, size := utf8.DecodeRune(text[at:])
		at += size
		from = q + 1
	}
	lit := p.text[from:]
	if len(text)-at < len(lit) || string(text[at:at+len(lit)]) != lit {
		return -1
	}
	return at + len(lit)
}

// index finds the part in text: where, and how many bytes it stands for there; -1 = nowhere.
func (p *part) index(text []byte) (at, size int) {
	if p.any == nil {
		return strings.Index(view(text), p.text), len(p.text)
	}
	for at < len(text) {
		if n := p.prefixOf(text[at:]); n >= 0 {
			return at, n
		}
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return -1, 0
}

// suffixOf reports whether text ends with what the part stands for, which has a fixed number of characters.
func (p *part) suffixOf(text []byte) bool {
	if p.any == nil {
		return len(text) >= len(p.text) && string(text[len(text)-len(p.text):]) == p.text
	}
	at := len(text)
	for range utf8.RuneCountInString(p.text) {
		if at == 0 {
			return false
		}
		_, size := utf8.DecodeLastRune(text[:at])
		at -= size
	}
	return p.prefixOf(text[at:]) == len(text)-at
}

// longest returns the longest literal stretch of the glob, and whether it must stand at the beginning or end.
func (g *glob) longest() (text string, atStart, atEnd bool) {
	for i := range g.parts {
		p := &g.parts[i]
		from := 0
		consider := func(s string, start, end bool) {
			if len(s) > len(text) {
				text, atStart, atEnd = s, start, end
			}
		}
		for _, q := range p.any {
			consider(p.text[from:q], i == 0 && from == 0, false)
			from = q + 1
		}
		consider(p.text[from:], i == 0 && from == 0, i == len(g.parts)-1)
	}
	return text, atStart, atEnd
}
