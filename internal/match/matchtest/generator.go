package matchtest

import "slices"

// A Place says where in the value of a field a term stands.
type Place uint8

// The places of a term.
const (
	Anywhere Place = iota
	Start
	End
	Whole
)

// A Term is a text that a rule looks for in a field. An empty Field is any field.
type Term struct {
	Field string // dots lead into nested objects
	Text  string
	At    Place
}

// A Vocabulary is what the rules of a run look for. Each part may be empty; the generator keeps the slices and does
// not change them.
type Vocabulary struct {
	Fields   []string // names of payload fields
	Literals []string // texts of values
	Clues    [][]Term // each what makes one rule match, or nearly
}

// A Generator makes payloads, each one JSON object. What it makes follows from its seed, its vocabulary and the order
// of the calls alone. It is not safe for concurrent use.
type Generator struct {
	random
	vocabulary Vocabulary
	event      event
	text       []byte // of the value being made
	out        []byte // of the payload being made
}

// NewGenerator returns a generator of the payloads of a seed.
func NewGenerator(seed uint64, vocabulary Vocabulary) *Generator {
	return &Generator{random: random{state: seed}, vocabulary: vocabulary}
}

// Benign returns an event of an ordinary day, the caller's to keep: some 534 bytes on average, about 2 % of the events
// matching some rule of the public set.
func (g *Generator) Benign() []byte {
	g.ordinary()
	if g.chance(suspicious) {
		g.suspect()
	}
	return g.finish()
}

// Heavy returns an event that carries what one to three rules look for, the caller's to keep. Without clues it carries
// literals in fields that rules name.
func (g *Generator) Heavy() []byte {
	g.ordinary()
	clues := g.vocabulary.Clues
	if len(clues) == 0 {
		for range 1 + g.below(3) {
			g.plant(Term{Field: g.field(), Text: g.literal()})
		}
		return g.finish()
	}
	for range 1 + g.below(3) {
		for _, term := range clues[g.below(len(clues))] {
			g.plant(term)
		}
	}
	return g.finish()
}

// Hostile returns an event of an attacker who knows how matchers and JSON readers go wrong, the caller's to keep:
// always JSON, with what the grammar allows and nobody writes. Some repeat a key or hold half a surrogate pair, which
// strict readers refuse.
func (g *Generator) Hostile() []byte {
	if g.chance(50) { // an ordinary event in odd clothes
		g.ordinary()
	} else {
		g.event = g.event[:0]
	}
	return g.disguise()
}

// finish writes the event.
func (g *Generator) finish() []byte {
	g.out = g.event.append(g.out[:0])
	return slices.Clone(g.out)
}

// plant puts a term into the event, beside what the field already holds where the place allows it.
func (g *Generator) plant(t Term) {
	if t.Field == "" {
		t.Field = keywordFields[g.below(len(keywordFields))]
	}
	f := g.event.field(t.Field)
	switch {
	case t.At == Whole || f.raw:
		*f = field{name: t.Field, value: t.Text, raw: t.At == Whole && isInteger(t.Text) && g.chance(500)}
	case t.At == Start:
		f.value = t.Text + f.value
	case t.At == End:
		f.value += t.Text
	case f.value == "":
		f.value = t.Text
	default: // not at the end: a term that belongs there may be there
		f.value = t.Text + " " + f.value
	}
}

func (g *Generator) field() string {
	if len(g.vocabulary.Fields) == 0 {
		return keywordFields[g.below(len(keywordFields))]
	}
	return g.vocabulary.Fields[g.below(len(g.vocabulary.Fields))]
}

func (g *Generator) literal() string {
	if len(g.vocabulary.Literals) == 0 {
		return words[g.below(len(words))]
	}
	return g.vocabulary.Literals[g.below(len(g.vocabulary.Literals))]
}

// isInteger reports whether a text is an integer as JSON has it.
func isInteger(s string) bool {
	if s == "" || len(s) > 15 || (s[0] == '0' && len(s) > 1) {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
