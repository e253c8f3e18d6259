package matchtest

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// A disguise is how strange one payload is: a payload in which everything is odd at once matches nothing, and tests
// little.
type disguise struct {
	escapes  int // of a thousand characters, how many are escaped without need
	variants int // of a thousand characters, how many change case or become another letter of the same fold
	spaces   bool
}

// disguise writes the event with fields and values from the vocabulary among its own.
func (g *Generator) disguise() []byte {
	d := disguise{spaces: g.chance(200)}
	if g.chance(300) {
		d.escapes = []int{20, 200, 1000}[g.below(3)]
	}
	if g.chance(400) {
		d.variants = []int{20, 200, 800}[g.below(3)]
	}
	own := g.event
	g.out = append(g.out[:0], '{')
	n := g.below(8) + len(own)
	for i := range n {
		if i > 0 {
			g.out = append(g.out, ',')
		}
		g.space(d)
		if i < len(own) && !g.chance(100) {
			g.member(d, own[i].name, own[i])
			continue
		}
		g.member(d, g.name(), field{value: g.planted()})
	}
	g.space(d)
	g.out = append(g.out, '}')
	g.space(d)
	return slices.Clone(g.out)
}

// name is the name of a field: mostly one that rules name, sometimes with the case changed, or part of its path.
func (g *Generator) name() string {
	name := g.field()
	switch g.below(20) {
	case 0:
		return strings.ToLower(name)
	case 1:
		return strings.ToUpper(name)
	case 2:
		return name + "." + g.field()
	case 3:
		return name[:g.below(len(name)+1)]
	default:
		return name
	}
}

// planted is a text that holds a literal, or most of one, at its beginning, its end, alone or in the midst.
func (g *Generator) planted() string {
	l := g.literal()
	switch g.below(12) {
	case 0, 1, 2:
		return l
	case 3:
		return l + g.pick(words)
	case 4:
		return g.pick(words) + l
	case 5:
		return g.pick(words) + l + g.literal()
	case 6: // just short of it
		return l[:len(l)-min(len(l), 1)]
	case 7:
		return l[min(len(l), 1):]
	case 8:
		return l[:len(l)/2] + l
	case 9:
		return g.pick([]string{"", " ", "*", "?", `\`, `\\*`, "%", "null", "-", "\x00", "\r\n", "{", `"`, "0"})
	case 10:
		if g.chance(50) {
			return g.long()
		}
		return l + "\n" + g.literal()
	default:
		return l + " " + g.literal() + " " + g.literal()
	}
}

// long is a text of some kilobytes made of literals.
func (g *Generator) long() string {
	b := g.text[:0]
	for range 100 << g.below(4) {
		b = append(append(b, g.literal()...), " ,;/"[g.below(4)])
	}
	g.text = b
	return string(b)
}

// member writes a name and a value, sometimes twice, as a nested object or under its dotted name.
func (g *Generator) member(d disguise, name string, f field) {
	if dot := strings.IndexByte(name, '.'); dot > 0 && !g.chance(300) {
		g.key(d, name[:dot])
		array := g.chance(150)
		if array {
			g.out = append(g.out, '[')
		}
		g.out = append(g.out, '{')
		g.member(d, name[dot+1:], f)
		g.out = append(g.out, '}')
		if array {
			g.out = append(g.out, ']')
		}
		return
	}
	if g.chance(20) { // the first or the last may be the one that counts
		g.key(d, name)
		g.string(d, g.planted())
		g.out = append(g.out, ',')
	}
	g.key(d, name)
	if f.raw && g.chance(800) {
		g.out = append(g.out, f.value...)
		return
	}
	g.value(d, f.value, 0)
}

func (g *Generator) key(d disguise, name string) {
	d.variants /= 10 // a field with another name is not looked at
	g.string(d, name)
	g.space(d)
	g.out = append(g.out, ':')
	g.space(d)
}

// value writes a text as a string most of the time, or as something in its place.
func (g *Generator) value(d disguise, text string, depth int) {
	n := g.below(100)
	if depth > 5 && n >= 82 {
		n = 0
	}
	switch {
	case n < 74:
		g.string(d, text)
	case n < 80:
		g.out = append(g.out, g.oddNumber(text)...)
	case n < 82:
		g.out = append(g.out, g.pick([]string{"null", "true", "false", `""`, "{}", "[]", "[null]", `[[],""]`})...)
	case n < 92:
		g.list(d, text, depth+1)
	default:
		g.out = append(g.out, '{')
		g.key(d, g.name())
		g.value(d, text, depth+1)
		g.out = append(g.out, '}')
	}
}

// list writes a list that holds a text somewhere.
func (g *Generator) list(d disguise, text string, depth int) {
	g.out = append(g.out, '[')
	n := 1 + g.below(4)
	at := g.below(n)
	for i := range n {
		if i > 0 {
			g.out = append(g.out, ',')
		}
		g.space(d)
		if i == at {
			g.value(d, text, depth)
			continue
		}
		g.value(d, g.planted(), depth)
	}
	g.out = append(g.out, ']')
}

// oddNumber spells the number in a text, or some number, in a way of its own.
func (g *Generator) oddNumber(text string) string {
	if !isInteger(text) || text == "0" { // no digit may follow 0
		text = strconv.Itoa(1 + g.below(5000))
	}
	switch g.below(7) {
	case 0:
		return text + ".0"
	case 1:
		return text + "e0"
	case 2:
		return text + "0E-1"
	case 3:
		return "-" + text
	case 4:
		return text + "00000000000000000000"
	case 5:
		return g.pick([]string{"-0", "0.1e+2", "1E400", "-1e-400", "0.30000000000000004", "9007199254740993"})
	default:
		return text
	}
}

// space writes white space where it means nothing.
func (g *Generator) space(d disguise) {
	if d.spaces && g.chance(300) {
		g.out = append(g.out, " \t\n\r"[g.below(4)])
	}
}

// string writes a text as a string in the clothes of d.
func (g *Generator) string(d disguise, text string) {
	text = strings.ToValidUTF8(text, "") // a part of a literal may end within a character
	if d.escapes == 0 && d.variants == 0 {
		g.out = appendString(g.out, text)
		return
	}
	g.out = append(g.out, '"')
	for _, r := range text {
		if g.below(1000) < d.variants {
			r = g.variant(r)
		}
		switch {
		case g.below(1000) < d.escapes:
			g.escape(r)
		case r == '"' || r == '\\' || r < 0x20:
			g.escape(r)
		default:
			g.out = append(g.out, string(r)...)
		}
	}
	if d.escapes > 0 && g.chance(5) {
		g.out = append(g.out, `\ud83d`...) // half a pair
	}
	g.out = append(g.out, '"')
}

// variant is another character of the same fold, or one that only looks or sounds so.
func (g *Generator) variant(r rune) rune {
	switch {
	case (r == 'k' || r == 'K') && g.chance(300):
		return '\u212a' // Kelvin sign: folds to k
	case (r == 's' || r == 'S') && g.chance(300):
		return '\u017f' // long s: folds to s
	case r == 'i' && g.chance(100):
		return '\u0131' // dotless i: folds to itself alone
	case r == 'I' && g.chance(100):
		return '\u0130' // I with dot above: lower case is two characters in some libraries
	case (r == 'o' || r == 'a') && g.chance(30):
		return [...]rune{'\u03c3', '\u03c2', '\u00df', '\u1e9e', '\u043e', '\uff41', '\U0001f600', '\u00e4'}[g.below(8)]
	case 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
		return r ^ 0x20
	default:
		return r
	}
}

// escape writes a character as an escape: a short one where there is one, or four digits in either case.
func (g *Generator) escape(r rune) {
	if i := strings.IndexRune("\"\\/\b\f\n\r\t", r); i >= 0 && g.chance(700) {
		g.out = append(g.out, '\\', `"\/bfnrt`[i])
		return
	}
	if hi, lo := utf16.EncodeRune(r); r > 0xffff {
		g.unit(hi)
		g.unit(lo)
		return
	}
	g.unit(r)
}

func (g *Generator) unit(r rune) {
	digits := g.pick([]string{"0123456789abcdef", "0123456789ABCDEF"})
	g.out = append(g.out, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
