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
	p := Pos{line, 1}
	if lines := bytes.SplitN(data, []byte("\n"), line+1); line <= len(lines) {
		indent := lines[line-1][:len(lines[line-1])-len(bytes.TrimLeft(lines[line-1], " \t"))]
		before, _, _ := bytes.Cut(indent, []byte("\t"))
		p.Col += len(before)
	}
	return errorAt(p, "%s", text)
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
