package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// grow returns n rules: the given ones first, then variations of them, in which other letters stand in the values, so
// that they look for other things in the same ways. The same seed gives the same rules.
func grow(sources []source, n int, seed uint64) []source {
	out := slices.Clone(sources[:min(n, len(sources))])
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // the same rules in every run are the point
	for i := len(out); i < n; i++ {
		s := sources[i%len(sources)]
		out = append(out, source{path: fmt.Sprintf("%s#%d", s.path, i/len(sources)), detection: vary(s.detection, r)})
	}
	return out
}

// vary alters the values of a detection, but for selections that are called filters: what they leave out would be met
// all the time once they look for other things.
func vary(n *yaml.Node, r *rand.Rand) *yaml.Node {
	out := *n
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		key := ""
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			key = n.Content[i-1].Value
		}
		_, modifiers, _ := strings.Cut(key, "|")
		switch {
		case n.Kind == yaml.MappingNode && i%2 == 0, key == "condition", key == "timeframe", strings.HasPrefix(key, "filter"),
			strings.Contains(modifiers, "re"), strings.Contains(modifiers, "cidr"), strings.Contains(modifiers, "expand"):
			out.Content[i] = c
		default:
			out.Content[i] = vary(c, r)
		}
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		out.Value = misspell(n.Value, r)
		out.Tag = "!!str"
	}
	return &out
}

// misspell changes a letter or two of every word of four letters and more, but for the extensions that everything has.
func misspell(s string, r *rand.Rand) string {
	b := []byte(s)
	letter := func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
	for start := 0; start < len(b); {
		end := start
		for end < len(b) && letter(b[end]) {
			end++
		}
		if end-start >= 4 {
			for range 1 + r.IntN(2) {
				at := start + r.IntN(end-start)
				b[at] = b[at]&0x20 | "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[r.IntN(26)] // the case stays
			}
		}
		start = end + 1
	}
	return string(b)
}
