package shell

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hostile are texts that grow with n and are meant to make the parser work more than they are long.
var hostile = map[string]func(n int) string{
	"double quotes":         func(n int) string { return strings.Repeat(`"`, n) },
	"a quote without end":   func(n int) string { return `"` + strings.Repeat(`a\"`, n) },
	"quotes in quotes":      func(n int) string { return strings.Repeat(`"$("`, n) },
	"single quotes":         func(n int) string { return strings.Repeat(`'a`, n) },
	"backslashes":           func(n int) string { return strings.Repeat(`\`, n) },
	"substitutions":         func(n int) string { return strings.Repeat(`$(a `, n) },
	"closed substitutions":  func(n int) string { return strings.Repeat(`$(a `, n) + strings.Repeat(`)`, n) },
	"side by side":          func(n int) string { return "a " + strings.Repeat("$(b)`c`", n) },
	"backquotes":            func(n int) string { return strings.Repeat("`a ", n) },
	"arithmetic":            func(n int) string { return strings.Repeat("$((", n) },
	"parameters":            func(n int) string { return strings.Repeat("${a", n) },
	"fallbacks":             func(n int) string { return strings.Repeat("${a:-", n) },
	"known fallbacks":       func(n int) string { return "a=b;" + strings.Repeat("${a:-", n) + strings.Repeat("}", n) },
	"groups":                func(n int) string { return strings.Repeat("(", n) + strings.Repeat(")", n) },
	"groups of choices":     func(n int) string { return strings.Repeat("(a|", n) + strings.Repeat(")", n) },
	"braces":                func(n int) string { return strings.Repeat("{", n) },
	"blocks":                func(n int) string { return strings.Repeat("{ ", n) },
	"commas":                func(n int) string { return "{" + strings.Repeat("a,", n) + "}" },
	"many brace lists":      func(n int) string { return strings.Repeat("a{b,c,d}", n) },
	"brace words":           func(n int) string { return strings.Repeat("abcdefgh{a,b,c,d,e} ", n) },
	"here documents":        func(n int) string { return strings.Repeat("<<a ", n) + strings.Repeat("\n", n) },
	"here strings":          func(n int) string { return strings.Repeat("<<<a ", n) },
	"lines":                 func(n int) string { return strings.Repeat("<<a\n", n) },
	"pipes":                 func(n int) string { return strings.Repeat("a|", n) },
	"commands":              func(n int) string { return strings.Repeat(";:a", n) },
	"wrappers":              func(n int) string { return strings.Repeat("nohup ", n) },
	"paths of wrappers":     func(n int) string { return strings.Repeat("/bin/nohup ", n) },
	"finds":                 func(n int) string { return strings.Repeat("find -exec ", n) },
	"find with many":        func(n int) string { return "find " + strings.Repeat("-exec a ; ", n) },
	"evals":                 func(n int) string { return strings.Repeat("eval ", n) },
	"shells":                func(n int) string { return strings.Repeat("sh -c ", n) },
	"many texts":            func(n int) string { return strings.Repeat("eval a;", n) },
	"variables":             func(n int) string { return "a=" + strings.Repeat("x", n) + ";" + strings.Repeat("$a", n) },
	"variables of blanks":   func(n int) string { return "a='" + strings.Repeat(" x", n) + "';" + strings.Repeat("$a", n) },
	"growing variables":     func(n int) string { return "a=x;" + strings.Repeat("a=$a$a;", n) },
	"appended variables":    func(n int) string { return strings.Repeat("a+=xxxxxxxx;", n) },
	"reversals":             func(n int) string { return "echo " + strings.Repeat("x", n) + strings.Repeat("|rev", n) },
	"decoders":              func(n int) string { return "echo " + strings.Repeat("QUFB", n) + strings.Repeat("|base64 -d", n) },
	"formats":               func(n int) string { return "printf '" + strings.Repeat("x", n) + "%s'" + strings.Repeat(" a", n) },
	"redirections":          func(n int) string { return strings.Repeat(">a", n) },
	"redirected groups":     func(n int) string { return strings.Repeat("(a)>b|", n) },
	"process substitutions": func(n int) string { return "sh " + strings.Repeat("<(a)", n) },
	"cases":                 func(n int) string { return strings.Repeat("case a in ", n) },
	"arrays":                func(n int) string { return strings.Repeat("a=(", n) },
	"keywords":              func(n int) string { return strings.Repeat("if ", n) },
	"comments":              func(n int) string { return strings.Repeat("#a\n", n) },
}

// checkBounds parses a text and checks what holds for every text.
func checkBounds(t *testing.T, p *Parser, data []byte) {
	t.Helper()
	before := bytes.Clone(data)
	c := p.Parse(data)
	if !bytes.Equal(before, data) {
		t.Errorf("%.100q was changed to %.100q", before, data)
	}
	// Each text is read up to maxTries+1 times, and no more is read than there is or has been written.
	limit := min(maxBytes, minBytes+maxGrowth*len(data))
	if most := (maxTries+2)*(len(data)+limit) + len(data); p.steps > most {
		t.Errorf("%.100q: %d steps for %d bytes, want at most %d", data, p.steps, len(data), most)
	}
	for i, b := range p.buffers {
		if most := limit + 2*len(data) + maxBraced + maxValue; len(b) > most {
			t.Errorf("%.100q: buffer %d has %d bytes, want at most %d", data, i, len(b), most)
		}
	}
	for name, list := range map[string][][]byte{
		"segments": c.Segments, "pipelines": c.Pipelines, "programs": c.Programs, "decoded": c.Decoded,
	} {
		if len(list) > maxCommands {
			t.Errorf("%.100q: %d %s, want at most %d", data, len(list), name, maxCommands)
		}
		seen := map[string]bool{}
		for _, text := range list {
			if len(text) == 0 || seen[string(text)] {
				t.Errorf("%.100q: %s hold %.100q twice, or nothing", data, name, text)
			}
			seen[string(text)] = true
		}
	}
	if len(c.Segments) == 0 && len(bytes.TrimSpace(data)) > 0 {
		t.Errorf("%.100q has no segments", data)
	}
}

// copied is what a parser has returned, for good.
func copied(c *Commands) [4][]string {
	return [4][]string{texts(c.Segments), texts(c.Pipelines), texts(c.Programs), texts(c.Decoded)}
}

func FuzzParse(f *testing.F) {
	for _, text := range hostile {
		f.Add([]byte(text(3)), []byte(text(40)))
	}
	var used Parser
	f.Fuzz(func(t *testing.T, a, b []byte) {
		checkBounds(t, &used, a)
		first := copied(used.Parse(a))
		checkBounds(t, &used, b)
		var fresh Parser
		if diff := cmp.Diff(first, copied(fresh.Parse(a))); diff != "" {
			t.Errorf("%q (-by a parser that was used +by a fresh one):\n%s", a, diff)
		}
	})
}

func TestHostileTextsStayWithinBounds(t *testing.T) {
	var p Parser
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{1, 10, 1000, 10_000} {
				checkBounds(t, &p, []byte(text(n)))
			}
		})
	}
}

// Twice the text is at most little more than twice the work.
func TestWorkIsLinear(t *testing.T) {
	var p Parser
	for name, text := range hostile {
		for n := 500; n <= 8_000; n *= 2 {
			p.Parse([]byte(text(n)))
			once := p.steps
			p.Parse([]byte(text(2 * n)))
			if most := once*22/10 + minBytes; p.steps > most {
				t.Errorf("%s: %d steps for n = %d, %d for twice that, want at most %d", name, once, n, p.steps, most)
			}
		}
	}
}
