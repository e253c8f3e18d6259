package yamlx

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrEmpty is the fault of a file that holds nothing but comments.
var ErrEmpty = errors.New("file is empty")

// A Pos is a place in a file.
type Pos struct {
	Line int // from 1
	Col  int // from 1, in characters
}

// An Error is one fault and its place.
type Error struct {
	Pos
	Err error
}

// Error says line:column: what is wrong.
func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %v", e.Line, e.Col, e.Err) }

// Unwrap returns the fault without its place.
func (e *Error) Unwrap() error { return e.Err }

func errorAt(p Pos, format string, args ...any) *Error {
	return &Error{Pos: p, Err: fmt.Errorf(format, args...)}
}

// checkText finds the first byte that is not UTF-8 and the first character that YAML has no place for, of which
// yaml.v3 would not say where they are.
func checkText(data []byte) error {
	p := Pos{1, 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			return errorAt(p, "file is not UTF-8")
		case r == '\n':
			p = Pos{p.Line + 1, 0}
		case !allowed(r):
			return errorAt(p, "control character %U is not allowed", r)
		}
		p.Col++
		data = data[size:]
	}
	return nil
}

// allowed is c-printable of YAML 1.2, production 1.
func allowed(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r >= 0x7f && r < 0xa0:
		return r == 0x85
	}
	return r != 0xfffe && r != 0xffff
}

var (
	yamlLine      = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.+)' referenced`)
)

// grammarFaults begin the texts of those errors of yaml.v3 in which it counts lines from 0, unlike in all others.
var grammarFaults = []string{
	"did not find expected <document start>", "did not find expected node content", "did not find expected '-' indicator",
	"did not find expected key", "did not find expected ',' or", "found undefined tag handle",
	"found duplicate %", "found incompatible YAML document",
}

// hints say what to do about errors of yaml.v3 that people meet who write patterns, by the beginning of their text.
var hints = []struct{ text, hint string }{
	{"found character that cannot start any token", "put the text into quotes"},
	{"found unknown escape character", "in double quotes a backslash begins an escape of YAML, so put patterns into single quotes"},
	{"mapping values are not allowed in this context", "a key is indented too far, or a text has a colon in it and needs quotes"},
}

// tabBehind begins the text of the error of yaml.v3 for a tab in the indentation of a line behind a text: it names the line
// where that text begins.
const tabBehind = "found a tab character that violates indentation"

var errTab = errors.New("a tab is in the indentation, which YAML wants to be of blanks")

// syntaxError places an error of yaml.v3, which names a line at best: the column is that of the first tab in the
// line's indentation, else of the first character behind it.
func syntaxError(data []byte, err error) *Error {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return errorAt(Pos{1, 1}, "%w", err)
	}
	text := strings.TrimPrefix(err.Error(), m[0])
	if anchor := unknownAnchor.FindStringSubmatch(text); anchor != nil {
		before, _, _ := bytes.Cut(data, []byte("*"+anchor[1]))
		return errorAt(end(before), "%s", text)
	}
	line, convErr := strconv.Atoi(m[1])
	switch {
	case convErr != nil: // yaml.v3 leaves out line 1
		line = 1
	case startsWithAny(text, grammarFaults):
		line++
	}
	p, lines := Pos{line, 1}, bytes.Split(data, []byte("\n"))
	for ; p.Line <= len(lines); p.Line++ {
		col, tab := indentation(lines[p.Line-1])
		if p.Col = col; tab {
			return &Error{p, errTab}
		}
		if !strings.HasPrefix(text, tabBehind) {
			break
		}
	}
	for _, h := range hints {
		if strings.HasPrefix(text, h.text) {
			text += ": " + h.hint
		}
	}
	return errorAt(p, "%s", text)
}

// indentation returns the column of the first tab in the indentation of a line, else of the first character behind it.
func indentation(line []byte) (col int, tab bool) {
	indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
	before, _, tab := bytes.Cut(indent, []byte("\t"))
	return len(before) + 1, tab
}

func startsWithAny(text string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

// end is the place behind text.
func end(text []byte) Pos {
	last := text[bytes.LastIndexByte(text, '\n')+1:]
	return Pos{bytes.Count(text, []byte("\n")) + 1, utf8.RuneCount(last) + 1}
}

// Faults unpacks what errors.Join has packed, at any depth: one error per fault, in order; none for nil.
func Faults(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, Faults(e)...)
	}
	return all
}
