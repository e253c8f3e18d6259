package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A splitter takes shell text apart into simple commands and these into words, as far as documents need it: quotes,
// comments, continued lines, pipes, lists and groups. Redirections are left out; nothing is expanded.
type splitter struct {
	commands [][]string
	words    []string
	word     []byte
	inWord   bool
	quote    byte // the one that is open, or 0
	target   bool // the next word is that of a redirection
}

func splitCommands(text string) [][]string {
	var s splitter
	for text != "" {
		text = text[s.step(text):]
	}
	s.endCommand()
	return s.commands
}

// step takes the beginning of text and returns its length.
func (s *splitter) step(text string) int {
	c := text[0]
	switch {
	case c == '\\' && s.quote != '\'' && len(text) > 1:
		if text[1] != '\n' {
			s.add(text[1])
		}
		return 2
	case c == s.quote:
		s.quote = 0
	case s.quote != 0:
		s.add(c)
	case c == '\'' || c == '"':
		s.quote, s.inWord = c, true
	case c == '#' && !s.inWord:
		line, _, _ := strings.Cut(text, "\n")
		return len(line)
	case c == '<' || c == '>':
		if strings.Trim(string(s.word), "0123456789") == "" {
			s.word, s.inWord = nil, false // a file descriptor
		}
		s.endWord()
		s.target = true
		return len(text) - len(strings.TrimLeft(text, "<>&"))
	case strings.IndexByte(" \t\r", c) >= 0:
		s.endWord()
	case strings.IndexByte("\n|&;()", c) >= 0:
		s.endCommand()
	default:
		s.add(c)
	}
	return 1
}

func (s *splitter) add(c byte) {
	s.word = append(s.word, c)
	s.inWord = true
}

func (s *splitter) endWord() {
	if !s.inWord {
		return
	}
	if !s.target {
		s.words = append(s.words, string(s.word))
	}
	s.word, s.inWord, s.target = nil, false, false
}

func (s *splitter) endCommand() {
	s.endWord()
	if len(s.words) > 0 {
		s.commands = append(s.commands, s.words)
	}
	s.words, s.target = nil, false
}

func TestSplitCommands(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       [][]string
	}{
		{name: "words and a comment", text: "make demo   # no set-up\nmake test", want: [][]string{{"make", "demo"}, {"make", "test"}}},
		{name: "quotes", text: `worker state set R1 --reason "so # it's" '' a"b"'c'`, want: [][]string{{"worker", "state", "set", "R1", "--reason", "so # it's", "", "abc"}}},
		{name: "pipe and redirections", text: "printf 'a|b\\n' 2>&1 | worker tag - <in >out 2>/dev/null", want: [][]string{{"printf", `a|b\n`}, {"worker", "tag", "-"}}},
		{name: "continued line", text: "worker run \\\n  --config x && echo done", want: [][]string{{"worker", "run", "--config", "x"}, {"echo", "done"}}},
		{name: "nothing", text: " # only a comment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, splitCommands(tt.text)); diff != "" {
				t.Errorf("splitCommands(%q) (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}
