package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ttpworker/internal/explain"
	"ttpworker/internal/rule"
)

// printAnswer says for people why a tag is there.
func printAnswer(w io.Writer, a *explain.Answer) {
	var t struct {
		TagID          string  `json:"tag_id"`
		SourceKind     string  `json:"source_kind"`
		SourceID       string  `json:"source_id"`
		Tactic         string  `json:"tactic"`
		TechniqueID    string  `json:"technique_id"`
		SubTechniqueID string  `json:"sub_technique_id"`
		Confidence     float64 `json:"confidence"`
		RuleID         string  `json:"rule_id"`
		RuleVersion    *int    `json:"rule_version"`
		RuleDigest     string  `json:"rule_digest"`
	}
	_ = json.Unmarshal(a.Tag, &t) // we have written it
	fmt.Fprintf(w, "tag     %s in %s/%d/%d, of %s\n", t.TagID, printable(a.Found.Topic), a.Found.Partition, a.Found.Offset, a.Found.TaggedAt.Format(time.RFC3339))
	if a.Found.Retag != "" {
		fmt.Fprintf(w, "        written by retag job %s\n", escape(a.Found.Retag, maxShown))
	}
	fmt.Fprintf(w, "says    %s under %s, confidence %v\n", escape(cmp.Or(t.SubTechniqueID, t.TechniqueID, "no technique"), maxShown), escape(cmp.Or(t.Tactic, "no tactic"), maxShown), t.Confidence)
	fmt.Fprintf(w, "event   %s %s, at %s\n", escape(t.SourceKind, maxShown), escape(t.SourceID, maxShown), escape(cmp.Or(a.Found.Source, "an unknown place"), maxShown))
	fmt.Fprintf(w, "rule    %s%s, digest %s\n", escape(t.RuleID, maxShown), versionText(t.RuleVersion), escape(t.RuleDigest, maxShown))
	printOrigin(w, a)
	fmt.Fprintf(w, "state   %s\n", stateText(a.State))
	printVerdict(w, a.Verdict)
	if a.Rule != nil {
		fmt.Fprintf(w, "\nthe rule, %s:\n%s", printable(a.Rule.SourcePath), indent(a.Rule.YAML))
		for _, f := range a.Rule.Filters {
			fmt.Fprintf(w, "\nits filter, %s:\n%s", printable(f.Path), indent(f.YAML))
		}
	}
}

func versionText(v *int) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf(" version %d", *v)
}

// printOrigin says where the rule comes from and what became of it.
func printOrigin(w io.Writer, a *explain.Answer) {
	if r := a.Rule; r != nil && r.ArchivedAt != nil {
		fmt.Fprintf(w, "        from the archive, written by %s at %s\n", printable(r.ArchivedBy), r.ArchivedAt.Format(time.RFC3339))
	} else if r != nil {
		fmt.Fprintf(w, "        from the file %s\n", printable(r.SourcePath))
	}
	switch {
	case a.Live == nil:
		fmt.Fprintln(w, "        no longer live")
	case a.Live.Same:
		fmt.Fprintln(w, "        live as it was")
	default:
		fmt.Fprintf(w, "        changed since: live is%s, digest %s\n", cmp.Or(versionText(a.Live.RuleVersion), " the file"), printable(a.Live.RuleDigest))
	}
}

func stateText(s explain.States) string {
	text := orderText(s.Tag)
	switch {
	case s.Now == nil:
		return text + "; now: not known"
	case !s.Differs:
		return text + ", now as well"
	}
	text += "; now " + orderText(*s.Now)
	if s.Now.SetAt != nil {
		text += fmt.Sprintf(", set by %s at %s: %s", escape(cmp.Or(s.Now.SetBy, "-"), maxShown), s.Now.SetAt.Format(time.RFC3339), escape(cmp.Or(s.Now.Reason, "-"), maxShown))
	}
	return text
}

func orderText(s explain.State) string {
	if s.ConfidenceMax == nil {
		return escape(string(s.State), maxShown)
	}
	return fmt.Sprintf("%s at %v", escape(string(s.State), maxShown), *s.ConfidenceMax)
}

func printVerdict(w io.Writer, v *explain.Verdict) {
	if v == nil {
		fmt.Fprintln(w, "\nnot evaluated again: something is missing")
		return
	}
	if v.Reproduced {
		fmt.Fprintln(w, "\nREPRODUCED: the rule gives this tag on its event.")
	} else {
		fmt.Fprintln(w, "\nNOT REPRODUCED")
	}
	for _, d := range v.Differences {
		fmt.Fprintf(w, "  %s: the tag has %s, now it is %s\n", printable(d.Field), orMissing(d.Tag), orMissing(d.Now))
	}
	for _, r := range v.Remarks {
		fmt.Fprintf(w, "  %s\n", printable(r))
	}
	fmt.Fprintln(w)
	printWhy(w, &v.Why)
}

func orMissing(raw json.RawMessage) string {
	if raw == nil {
		return "nothing"
	}
	return escape(string(raw), maxShown)
}

// printEvents says what a rule makes of events.
func printEvents(w io.Writer, r *rule.Rule, answers []eventAnswer) {
	for i := range answers {
		a := &answers[i]
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s %s, rule %s%s: ", escape(a.Event.SourceKind, maxShown), escape(a.Event.SourceID, maxShown), r.ID, versionText(r.Version))
		if a.Why.Matches {
			fmt.Fprintln(w, "MATCHES")
		} else {
			fmt.Fprintln(w, "DOES NOT MATCH")
		}
		if !a.Why.Applies {
			fmt.Fprintf(w, "  the rule applies to %s only\n", printable(strings.Join(r.Kinds, ", ")))
			continue
		}
		printWhy(w, &a.Why)
	}
}

// printWhy says what of a rule rests on what of an event.
func printWhy(w io.Writer, why *explain.Why) {
	if !why.Applies {
		fmt.Fprintln(w, "the rule does not apply to events of this source kind")
		return
	}
	if why.Lifter != nil {
		printLifter(w, why.Lifter)
		return
	}
	own := why.Matches || len(why.Filters) > 0 && !slices.ContainsFunc(why.Checks, failed)
	printChecks(w, why.Checks, own)
	for i := range why.Filters {
		f := &why.Filters[i]
		said := "lets it match"
		if !f.Matches {
			said = "keeps it from matching"
		}
		fmt.Fprintf(w, "  filter %s %s (%s)\n", printable(f.ID), said, printable(f.Path))
		printChecks(w, f.Checks, f.Matches)
	}
}

// failed reports whether a check keeps its detection from matching.
func failed(c explain.Check) bool { return c.Holds == c.Negated }

// printChecks shows the checks that an answer rests on: of a match what holds, of no match what fails.
func printChecks(w io.Writer, checks []explain.Check, matches bool) {
	var quiet []string
	if !matches && len(checks) > 1 {
		fmt.Fprintln(w, "  of each alternative the first part that fails:")
	}
	for i := range checks {
		c := &checks[i]
		if matches == failed(*c) {
			continue // the other side of an alternative
		}
		if matches && c.Negated {
			if name := cmp.Or(c.Selection, "pattern"); !slices.Contains(quiet, name) {
				quiet = append(quiet, name)
			}
			continue
		}
		printCheck(w, c)
	}
	if len(quiet) > 0 {
		fmt.Fprintf(w, "  exceptions that do not hold: %s\n", printable(strings.Join(quiet, ", ")))
	}
}

func printCheck(w io.Writer, c *explain.Check) {
	what := c.Kind
	if c.Selection != "" {
		what = "selection " + printable(c.Selection)
	}
	if c.Negated {
		what = "exception " + printable(c.Selection)
	}
	says := "matches"
	if !c.Holds {
		says = "does not match"
	}
	fmt.Fprintf(w, "  %s (line %d) %s", what, c.Line, says)
	if len(c.Wants) == 1 {
		fmt.Fprintf(w, ": %s\n", cut(c.Wants[0]))
	} else {
		fmt.Fprintln(w, ", none of")
		for _, want := range c.Wants {
			fmt.Fprintf(w, "      %s\n", cut(want))
		}
		if c.MoreWants > 0 {
			fmt.Fprintf(w, "      and %d more\n", c.MoreWants)
		}
	}
	for i := range c.Fields {
		printField(w, &c.Fields[i])
	}
}

func printField(w io.Writer, f *explain.Field) {
	name := printable(cmp.Or(f.Field, "any value"))
	if f.Derived {
		name += " (derived)"
	}
	switch {
	case !f.Present:
		fmt.Fprintf(w, "    %s is missing\n", name)
	case len(f.Values) == 0:
		fmt.Fprintf(w, "    %s is there, without a value\n", name)
	}
	for i := range f.Values {
		v := &f.Values[i]
		label := name
		if v.Path != f.Field {
			label += " at " + escape(v.Path, maxShown)
		}
		if v.Type != "text" {
			label += ", " + v.Type
		}
		if v.Hidden {
			fmt.Fprintf(w, "    %s: %d bytes of a mail, not shown\n", label, v.Bytes)
			continue
		}
		if v.Bytes == 0 {
			fmt.Fprintf(w, "    %s is empty\n", label)
			continue
		}
		line, caret := marked(v)
		fmt.Fprintf(w, "    %s:\n      %s\n", label, line)
		if caret != "" {
			fmt.Fprintf(w, "      %s\n", caret)
		}
	}
	if f.More > 0 {
		fmt.Fprintf(w, "    and %s more\n", count(f.More, "value"))
	}
}

// What is shown of a value: what matched, and around it, in bytes before escaping.
const (
	maxMatched = 200
	maxAround  = 60
)

// marked is a value on one line, fit for a terminal, and a line that marks what matched; "" if nothing did.
func marked(v *explain.Value) (line, caret string) {
	if v.From == v.To {
		more := ""
		if v.Skipped > 0 {
			more = "..."
		}
		return more + escape(v.Text, maxShown), ""
	}
	before := v.Text[:v.From]
	dots := ""
	if v.Skipped > 0 || len(before) > maxAround {
		dots = "..."
	}
	for at := len(before) - maxAround; at > 0; at = 0 {
		for at < len(before) && !utf8.RuneStart(before[at]) {
			at++
		}
		before = before[at:]
	}
	before = dots + escape(before, maxShown)
	match := escape(v.Text[v.From:v.To], maxMatched)
	return before + match + escape(v.Text[v.To:], maxAround),
		strings.Repeat(" ", utf8.RuneCountInString(before)) + strings.Repeat("^", utf8.RuneCountInString(match))
}

func printLifter(w io.Writer, l *explain.Lifter) {
	fmt.Fprintf(w, "  lifter %s fires when %s\n", l.Name, l.FiresWhen)
	for _, name := range slices.Sorted(maps.Keys(l.Parameters)) {
		value, _ := json.Marshal(l.Parameters[name]) // it is JSON in the rule's digest
		fmt.Fprintf(w, "    parameter %s: %s\n", name, escape(string(value), maxShown))
	}
	if len(l.Fields) == 0 {
		fmt.Fprintln(w, "    the payload has none of the fields named there")
	}
	for i := range l.Fields {
		printField(w, &l.Fields[i])
	}
}

// cut is printable, no longer than maxShown.
func cut(text string) string {
	if runes := []rune(text); len(runes) > maxShown {
		return printable(string(runes[:maxShown])) + "..."
	}
	return printable(text)
}

// printable is a text of ours, such as a rule's, with what a terminal could take for a command written out.
func printable(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r == '\t':
			b.WriteString("    ")
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}

// indent is a file, two blanks before each line.
func indent(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		b.WriteString("  " + printable(strings.TrimSuffix(line, "\r")) + "\n")
	}
	return b.String()
}
