package main

import (
	"fmt"
	"os"
	"path/filepath"

	"ttpworker/chaos/oracle"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/rules"
)

// The rules beside those of the pack. What they match is the number at the end of a quiet event.
const (
	edited        = "CHAOS_EDITED"         // its file is edited
	editedOrdered = "CHAOS_EDITED_ORDERED" // so is that of this one, and operators give orders about it
	ordered       = "CHAOS_ORDERED"        // operators give orders about it
)

// versions is how many contents a file that is edited has, in turn.
const versions = 4

// always are rules that every event has a tag of, and that never change: so an event without a tag is a lost one.
const always = `rule_id: CHAOS_ALWAYS_%s
rule_version: 1
name: chaos_always
applies_to: [%s]
match: {field: [%s], pattern: '(?s).'}
emits: [{tactic: TA0043, technique_id: T1595, confidence: 0.1}]
evidence_fields: [%[3]s]
`

// numbered is version v of a rule that changes.
const numbered = `rule_id: %s
rule_version: %d
name: chaos
applies_to: [command]
match: {pattern: 'n=[0-9]*[%d%d%d]$'}
emits:
  - {tactic: TA0007, technique_id: T1082, confidence: 0.%d}
  - {tactic: TA0006, technique_id: T1003, sub_technique_id: T1003.008, confidence: 0.9}
evidence_fields: [command_text]
`

func text(id string, v int) string {
	return fmt.Sprintf(numbered, id, v, v%10, (v+3)%10, (v+7)%10, v)
}

// ceiling is that of the orders that have one.
var ceiling = 0.25

// orders are those that are given.
func orders() []tagger.Standing {
	return []tagger.Standing{
		tagger.DefaultStanding(), {State: tagger.Disabled}, {State: tagger.Clipped, ConfidenceMax: &ceiling}, {State: tagger.Shadow},
	}
}

// A book is a rule directory and everything that was or will be in it.
type book struct {
	dir     string
	root    *os.Root // of dir
	fixed   []*rule.Rule
	choices []oracle.Choice
}

// newBook fills a rule directory: the pack, and the rules above in their first versions.
func newBook(dir string) (*book, error) {
	b := &book{dir: dir}
	parser := rule.NewParser(rule.DefaultMaxBytes)
	if err := os.CopyFS(dir, rules.Pack()); err != nil {
		return nil, fmt.Errorf("laying out the rules: %w", err)
	}
	var err error
	if b.root, err = os.OpenRoot(dir); err != nil {
		return nil, fmt.Errorf("laying out the rules: %w", err)
	}
	for _, kind := range [][2]string{{"command", "command_text"}, {"http_request", "raw_url"}, {"auth_attempt", "username"}} {
		if err := b.write("always_"+kind[0], fmt.Sprintf(always, kind[0], kind[0], kind[1])); err != nil {
			return nil, err
		}
	}
	if b.fixed, err = parser.Load(os.DirFS(dir), ".", dir); err != nil {
		return nil, err
	}
	for _, id := range []string{edited, editedOrdered, ordered} {
		c := oracle.Choice{Standings: []tagger.Standing{tagger.DefaultStanding()}}
		last := 1
		if id != ordered {
			c.Versions, last = append(c.Versions, nil), versions
		}
		if id != edited {
			c.Standings = orders()
		}
		for v := 1; v <= last; v++ {
			r, err := parser.Parse(filepath.Join(dir, fileOf(id)), []byte(text(id, v)))
			if err != nil {
				return nil, err
			}
			c.Versions = append(c.Versions, r)
		}
		b.choices = append(b.choices, c)
		if err := b.write(id, text(id, 1)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func fileOf(name string) string { return name + ".yaml" }

func (b *book) write(name, text string) error {
	if err := b.root.WriteFile(fileOf(name), []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing a rule: %w", err)
	}
	return nil
}
