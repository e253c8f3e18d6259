package main

import (
	"math/rand/v2"
	"path"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"ttpworker/internal/match/matchtest"
)

// cluesPerRule is in how many ways a rule is sought to be met.
const cluesPerRule = 3

// vocabulary collects what the rules look for. It reads conditions loosely, since what does not match is no harm.
func vocabulary(sources []source, seed uint64) matchtest.Vocabulary {
	c := &collector{Rand: rand.New(rand.NewPCG(seed, 2)), fields: map[string]bool{}, literals: map[string]bool{}} //nolint:gosec // as in grow
	for _, s := range sources {
		for range cluesPerRule {
			if clue := c.clue(s.detection); len(clue) > 0 {
				c.out.Clues = append(c.out.Clues, clue)
			}
		}
		for _, payload := range s.samples {
			c.sample(payload)
		}
		c.all(s.detection, "")
	}
	return c.out
}

type collector struct {
	*rand.Rand
	out              matchtest.Vocabulary
	fields, literals map[string]bool // what out has
}

// negated is what a condition denies, near enough.
var negated = regexp.MustCompile(`\bnot\s+(?:\d+\s+of\s+|all\s+of\s+)?(?:\([^)]*\)|[\w*]+)`)

// clue picks values of the selections that the condition asks for.
func (c *collector) clue(detection *yaml.Node) []matchtest.Term {
	selections := pairs(detection)
	condition := ""
	for _, p := range selections {
		if p.key == "condition" {
			condition = items(p.value)[0].Value
		}
	}
	words := strings.Fields(strings.NewReplacer("(", " ", ")", " ").Replace(negated.ReplaceAllString(condition, " ")))
	var clue []matchtest.Term
	for i, word := range words {
		named := pairsNamed(selections, word)
		if len(named) == 0 {
			continue
		}
		if of := i > 1 && words[i-1] == "of" && words[i-2] != "all"; of {
			named = named[c.IntN(len(named)):][:1]
		}
		for _, p := range named {
			clue = append(clue, c.selection(p.value)...)
		}
	}
	return clue
}

// A pair is an entry of a mapping.
type pair struct {
	key   string
	value *yaml.Node
}

func pairs(n *yaml.Node) []pair {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	var out []pair
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			out = append(out, pair{n.Content[i].Value, n.Content[i+1]})
		}
	}
	return out
}

// pairsNamed are the selections that a word of a condition names, by a pattern or in full.
func pairsNamed(selections []pair, pattern string) []pair {
	var out []pair
	for _, p := range selections {
		if ok, _ := path.Match(pattern, p.key); p.key != "condition" && p.key != "timeframe" && (ok || pattern == "them") {
			out = append(out, p)
		}
	}
	return out
}

// selection picks the values of a selection: of a list one item, of a mapping a value for each key.
func (c *collector) selection(n *yaml.Node) []matchtest.Term {
	list := items(n)
	one := list[c.IntN(max(len(list), 1)):][:min(len(list), 1)]
	if len(one) == 0 {
		return nil
	}
	if one[0].Kind != yaml.MappingNode {
		return []matchtest.Term{{Text: plain(one[0].Value)}}
	}
	var clue []matchtest.Term
	for _, p := range pairs(one[0]) {
		field, modifiers, _ := strings.Cut(p.key, "|")
		values := items(p.value)
		if !strings.Contains(modifiers, "all") && len(values) > 1 {
			values = values[c.IntN(len(values)):][:1]
		}
		for _, v := range values {
			if t, ok := term(field, modifiers, v); ok {
				clue = append(clue, t)
			}
		}
	}
	return clue
}

// term is what meets one value, if that is a plain text.
func term(field, modifiers string, v *yaml.Node) (matchtest.Term, bool) {
	t := matchtest.Term{Field: field, Text: plain(v.Value), At: matchtest.Whole}
	for m := range strings.SplitSeq(modifiers, "|") {
		switch m {
		case "contains":
			t.At = matchtest.Anywhere
		case "startswith":
			t.At = matchtest.Start
		case "endswith":
			t.At = matchtest.End
		case "cidr":
			t.Text, _, _ = strings.Cut(t.Text, "/")
		case "re", "fieldref", "base64offset":
			return t, false
		}
	}
	return t, v.ShortTag() != "!!null"
}

// plain is a text that a value with wildcards matches.
func plain(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\' && i+1 < len(value) && strings.IndexByte(`*?\`, value[i+1]) >= 0:
			i++
			b.WriteByte(value[i])
		case c == '?':
			b.WriteByte('x')
		case c != '*':
			b.WriteByte(c)
		}
	}
	return b.String()
}

// all collects the names of fields and the texts of values below n, which stands under key.
func (c *collector) all(n *yaml.Node, key string) {
	for _, p := range pairs(n) {
		if p.key == "condition" {
			continue
		}
		field, _, _ := strings.Cut(p.key, "|")
		if field != "" && p.value.Kind != yaml.MappingNode && n.Kind == yaml.MappingNode && key != "" {
			remember(c.fields, &c.out.Fields, field)
		}
		c.all(p.value, p.key)
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			c.all(item, key)
		}
	case yaml.ScalarNode:
		if _, modifiers, _ := strings.Cut(key, "|"); !strings.HasPrefix(modifiers, "re") {
			remember(c.literals, &c.out.Literals, plain(n.Value))
		}
	default: // mappings are done, and rules have no aliases
	}
}

// sample takes a payload of a rule's own tests for a clue. What is no text in it is left out.
func (c *collector) sample(payload *yaml.Node) {
	var clue []matchtest.Term
	for _, p := range pairs(payload) {
		if p.value.Kind == yaml.ScalarNode {
			clue = append(clue, matchtest.Term{Field: p.key, Text: p.value.Value, At: matchtest.Whole})
			remember(c.literals, &c.out.Literals, p.value.Value)
		}
	}
	if len(clue) > 0 {
		c.out.Clues = append(c.out.Clues, clue)
	}
}

func remember(known map[string]bool, list *[]string, s string) {
	if !known[s] {
		known[s] = true
		*list = append(*list, s)
	}
}
