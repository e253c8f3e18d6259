package yamlx

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// An Edit replaces the bytes From to To of a file by Text. Everything else of the file, comments and white space too,
// stays as it is.
type Edit struct {
	From, To int
	Text     string
}

// errByHand is what cannot be edited in place: values behind tags and anchors, texts with escapes or over several lines.
var errByHand = errors.New("cannot be edited in place: it is not written plainly")

// Replace is the edit that makes the scalar n of a file read text, which needs no quotes. Quotes that are there stay
// around a text.
func Replace(data []byte, n *Node, text string) (Edit, error) {
	from, to, quoted, err := scalarAt(data, n)
	if err == nil && quoted && text != "null" {
		from, to = from+1, to-1
	}
	return Edit{From: from, To: to, Text: text}, err
}

// InsertAfter is the edit that puts another key behind one of the keys of the mapping m, both with plain scalars as
// values: on a line of its own, or into the braces.
func InsertAfter(data []byte, m *Node, behind, key, text string) (Edit, error) {
	i := slices.IndexFunc(m.Keys, func(k *Node) bool { return k.Text == behind })
	if i < 0 {
		return Edit{}, errByHand
	}
	_, to, _, err := scalarAt(data, m.Items[i])
	if err != nil {
		return Edit{}, err
	}
	at, inside := offset(data, m.Pos)
	switch {
	case !inside:
		return Edit{}, errByHand
	case data[at] == '{':
		return Edit{From: to, To: to, Text: ", " + key + ": " + text}, nil
	case m.Keys[i].Pos.Line != m.Items[i].Pos.Line || !bytes.HasPrefix(data[at:], []byte(m.Keys[0].Text)):
		return Edit{}, errByHand
	}
	end, newline := len(data), "\n"
	if n := bytes.IndexByte(data[to:], '\n'); n >= 0 {
		end = to + n
	}
	if bytes.HasSuffix(data[:end], []byte("\r")) {
		end, newline = end-1, "\r\n"
	}
	return Edit{From: end, To: end, Text: newline + strings.Repeat(" ", m.Keys[i].Pos.Col-1) + key + ": " + text}, nil
}

// scalarAt finds a plain or quoted scalar in the file that it is from.
func scalarAt(data []byte, n *Node) (from, to int, quoted bool, err error) {
	from, inside := offset(data, n.Pos)
	if !inside {
		return 0, 0, false, errByHand
	}
	rest := data[from:]
	quote := string(rest[:1])
	if quoted = quote == "'" || quote == `"`; !quoted {
		quote = ""
	}
	texts := []string{n.Text}
	switch n.Kind {
	case NullNode:
		texts = []string{"null", "Null", "NULL", "~"}
	case MapNode, ListNode:
		return 0, 0, false, errByHand
	case BoolNode, NumberNode, TextNode:
	}
	for _, text := range texts {
		written := quote + text + quote
		if text == "" || !bytes.HasPrefix(rest, []byte(written)) {
			continue
		}
		to = from + len(written)
		if to == len(data) || strings.IndexByte(" \t\r\n,]}#", data[to]) >= 0 {
			return from, to, quoted, nil
		}
	}
	return 0, 0, false, errByHand
}

// offset is where a place of a file is in its bytes, and whether there is a byte.
func offset(data []byte, p Pos) (at int, inside bool) {
	for range p.Line - 1 {
		n := bytes.IndexByte(data[at:], '\n')
		if n < 0 {
			return 0, false
		}
		at += n + 1
	}
	if p.Line == 1 {
		at += len(data) - len(bytes.TrimPrefix(data, []byte("\ufeff")))
	}
	for range p.Col - 1 {
		if at >= len(data) || data[at] == '\n' {
			return 0, false
		}
		_, size := utf8.DecodeRune(data[at:])
		at += size
	}
	return at, at < len(data)
}

// Apply makes edits to a file. The same edit twice is one, as where an alias leads to the same place.
func Apply(data []byte, edits []Edit) ([]byte, error) {
	edits, err := ordered(edits)
	if err != nil {
		return nil, err
	}
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, data[at:e.From]...), e.Text...)
		at = e.To
	}
	return append(out, data[at:]...), nil
}

// Diff shows edits to the file called name as a unified diff without lines around them, as diff -U0 prints it. It is ""
// if there are none.
func Diff(name string, data []byte, edits []Edit) (string, error) {
	edits, err := ordered(edits)
	if err != nil || len(edits) == 0 {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", name, name)
	more := 0 // lines that the hunks so far have added
	for i := 0; i < len(edits); {
		from, to := lineAround(data, edits[i].From, edits[i].To)
		n := i + 1
		for ; n < len(edits); n++ { // on these lines, or right behind them
			begin, end := lineAround(data, edits[n].From, edits[n].To)
			if begin > to {
				break
			}
			to = end
		}
		var hunk []Edit
		for _, e := range edits[i:n] {
			hunk = append(hunk, Edit{From: e.From - from, To: e.To - from, Text: e.Text})
		}
		text, err := Apply(data[from:to], hunk)
		if err != nil {
			return "", err
		}
		line, before, after := bytes.Count(data[:from], []byte("\n"))+1, lines(data[from:to]), lines(text)
		fmt.Fprintf(&b, "@@ -%d,%d +%d,%d @@\n", line, len(before), line+more, len(after))
		for _, l := range before {
			b.WriteString("-" + l)
		}
		for _, l := range after {
			b.WriteString("+" + l)
		}
		more += len(after) - len(before)
		i = n
	}
	return b.String(), nil
}

// ordered sorts edits and takes out those that are there twice. Others at one place contradict each other.
func ordered(edits []Edit) ([]Edit, error) {
	edits = slices.Clone(edits)
	slices.SortFunc(edits, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Text, b.Text))
	})
	edits = slices.Compact(edits)
	for i := 1; i < len(edits); i++ {
		if edits[i].From < edits[i-1].To || edits[i].From == edits[i-1].From && edits[i].To == edits[i-1].To {
			return nil, errors.New("two values are written at one place (an alias), and would not be the same any more")
		}
	}
	return edits, nil
}

// lineAround are the bounds of the lines that hold from to to, the last newline included.
func lineAround(data []byte, from, to int) (begin, end int) {
	begin = bytes.LastIndexByte(data[:from], '\n') + 1
	if n := bytes.IndexByte(data[to:], '\n'); n >= 0 {
		return begin, to + n + 1
	}
	return begin, len(data)
}

// lines splits a text into lines, each with a newline.
func lines(text []byte) []string {
	var all []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasSuffix(line, "\n") {
			line += "\n\\ No newline at end of file\n"
		}
		all = append(all, line)
	}
	return all
}
