package demo

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/fatih/color"

	"ttpworker/internal/attack"
	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
)

// Widths of columns, in characters.
const (
	nameWidth    = 34
	excerptWidth = 76
)

// A printer writes a line for everything that happens, one Write each. What attackers wrote goes out with every
// character replaced that could command a terminal. It is safe for concurrent use.
type printer struct {
	colour bool
	zone   *time.Location

	mu  sync.Mutex
	out io.Writer
}

// line writes one line. Nobody can be told if that fails.
func (p *printer) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.out, text+"\n")
}

// paint colours a text where colours are wanted.
func (p *printer) paint(text string, attrs ...color.Attribute) string {
	c := color.New(attrs...)
	c.DisableColor()
	if p.colour {
		c.EnableColor()
	}
	return c.Sprint(text)
}

// tag prints: time, attacker, technique, rule, confidence, evidence.
func (p *printer) tag(t *tagger.Tag) {
	technique, _ := attack.Lookup(t.Technique())
	mark := ""
	if t.RuleState != tagger.Enabled {
		mark = "(" + string(t.RuleState) + ") "
	}
	who := cmp.Or(t.AttackerUUID, t.IdentityUUID, t.SessionID, t.SourceID)
	p.line(fmt.Sprintf("%s  %s  %s  %-5s %.2f  %s%s",
		t.EventTime.In(p.zone).Format(time.TimeOnly),
		cut(clean(who), 8),
		p.paint(fmt.Sprintf("%-9s %-*s", t.Technique(), nameWidth, cut(technique.Name, nameWidth)), tacticColour(t.Tactic)),
		t.RuleID, t.Confidence, mark, excerpt(t.Evidence)))
}

// deadLetter prints what was wrong with a record that was no event.
func (p *printer) deadLetter(r *kafka.Record) {
	p.line(fmt.Sprintf("%s  %s  %s", r.Time.In(p.zone).Format(time.TimeOnly), p.paint("dead letter", color.FgYellow),
		cut(clean(r.Header(consume.HeaderError)), excerptWidth+nameWidth)))
}

// change prints a change of rules or states that is in effect now.
func (p *printer) change(c store.Change, _ time.Time) {
	switch c.Kind {
	case store.Loaded:
		version := ""
		if c.Rule.Version != nil {
			version = fmt.Sprintf(" version %d", *c.Rule.Version)
		}
		p.line(p.paint("reloaded "+c.RuleID+version, color.FgGreen, color.Bold) + "  " + c.Path)
	case store.Removed:
		p.line(p.paint("removed "+c.RuleID, color.FgGreen, color.Bold) + "  " + c.Path)
	case store.StateChanged:
		text := "state " + c.RuleID + " " + string(c.State.State)
		if c.State.ConfidenceMax != nil {
			text += fmt.Sprintf(" <= %v", *c.State.ConfidenceMax)
		}
		p.line(strings.TrimRight(p.paint(text, color.FgGreen, color.Bold)+"  "+clean(c.State.Reason), " "))
	case store.Refused:
		p.line(p.paint("refused, what was in force stays", color.FgRed, color.Bold) + "\n  " +
			strings.ReplaceAll(c.Err.Error(), "\n", "\n  "))
	}
}

// tacticColour goes from first contact to damage.
func tacticColour(tactic string) color.Attribute {
	switch tactic {
	case "TA0043", "TA0042": // reconnaissance, resource development
		return color.FgCyan
	case "TA0001", "TA0002": // initial access, execution
		return color.FgHiRed
	case "TA0003", "TA0004": // persistence, privilege escalation
		return color.FgMagenta
	case "TA0006": // credential access
		return color.FgRed
	case "TA0007", "TA0008": // discovery, lateral movement
		return color.FgBlue
	case "TA0009", "TA0010", "TA0011", "TA0040": // collection, exfiltration, command and control, impact
		return color.FgYellow
	}
	return color.FgWhite
}

// excerpt shows evidence in one line: the command or the fields, in their order, cut to excerptWidth.
func excerpt(evidence []byte) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(evidence, &fields); err != nil {
		return cut(clean(string(evidence)), excerptWidth)
	}
	parts := make([]string, 0, len(fields))
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		value := string(fields[key])
		var text string
		if bytes.HasPrefix(fields[key], []byte(`"`)) && json.Unmarshal(fields[key], &text) == nil {
			value = text
		}
		if key != "command_text" { // needs no name
			value = key + "=" + value
		}
		parts = append(parts, clean(value))
	}
	return cut(strings.Join(parts, "  "), excerptWidth)
}

// clean replaces what is not printable.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// cut shortens a text to width characters.
func cut(text string, width int) string {
	runes := []rune(text)
	switch {
	case len(runes) <= width:
		return text
	case width < 10: // of an identifier the beginning says enough
		return string(runes[:width])
	}
	return string(runes[:width-3]) + "..."
}
