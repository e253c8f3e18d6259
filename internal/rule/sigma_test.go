package rule_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

// sigma is a Sigma rule of ours.
const sigma = `title: Shadow file printed
id: 6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11
status: test
description: Prints the shadow file.
references: ['https://example.org/shadow']
author: a person
date: 2026-01-02
tags:
    - attack.credential-access
    - attack.t1003.008
logsource:
    category: process_creation
    product: linux
detection:
    selection:
        CommandLine|contains: /etc/shadow
    condition: selection
falsepositives: [none]
level: high
x_custom: {a: [1, 2]}
`

func sigmaOf(t *testing.T, edits ...string) *rule.Rule {
	t.Helper()
	text := strings.NewReplacer(edits...).Replace(sigma)
	r, err := parser().Parse("s.yml", []byte(text))
	if err != nil {
		t.Fatalf("Parse(%s) = %v, want no error", text, err)
	}
	return r
}

func TestSigmaRuleLoadsAsItIs(t *testing.T) {
	t.Parallel()
	r := sigmaOf(t)
	if r.ID != "6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11" || r.Version != nil || r.Name != "Shadow file printed" ||
		r.Description != "Prints the shadow file." || r.Author != "a person" || r.File.Text != sigma || len(r.Warnings) > 0 {
		t.Errorf("rule = %+v, want what the file says", r)
	}
	if diff := cmp.Diff([]string{"command"}, r.Kinds); diff != "" {
		t.Errorf("Kinds (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"https://example.org/shadow"}, r.References); diff != "" {
		t.Errorf("References (-want +got):\n%s", diff)
	}
}

func TestSigmaTagsBecomeEmits(t *testing.T) {
	t.Parallel()
	emit := func(tactic, technique, sub string) tagger.Emit {
		url := "https://attack.mitre.org/techniques/" + technique + "/"
		if sub != "" {
			url += strings.TrimPrefix(sub, technique+".") + "/"
		}
		return tagger.Emit{Tactic: tactic, TechniqueID: technique, SubTechniqueID: sub, Confidence: 0.75, MITREURL: url}
	}
	for _, tt := range []struct {
		name     string
		tags     string
		want     []tagger.Emit
		warnings string
	}{
		{name: "sub-technique", tags: "[attack.t1003.008]", want: []tagger.Emit{emit("TA0006", "T1003", "T1003.008")}},
		{
			name: "every tactic that lists it, whichever is named", tags: "[attack.persistence, attack.t1053.003]",
			want: []tagger.Emit{
				emit("TA0002", "T1053", "T1053.003"), emit("TA0003", "T1053", "T1053.003"), emit("TA0004", "T1053", "T1053.003"),
			},
		},
		{
			name: "technique beside its sub-technique", tags: "[attack.t1003, attack.t1003.008]",
			want: []tagger.Emit{emit("TA0006", "T1003", ""), emit("TA0006", "T1003", "T1003.008")},
		},
		{name: "named twice", tags: "[attack.t1003, ATTACK.T1003]", want: []tagger.Emit{emit("TA0006", "T1003", "")}},
		{name: "replaced, and its successor too", tags: "[attack.t1086, attack.t1059.001]", want: []tagger.Emit{emit("TA0002", "T1059", "T1059.001")}},
		{
			name: "given up beside a good one", tags: "[attack.t1153, attack.t1105]", want: []tagger.Emit{emit("TA0011", "T1105", "")},
			warnings: `s.yml:8:8: rule "6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11": technique T1153 is deprecated in ATT&CK v19.1 and has no successor: it is left out [unknown-technique]`,
		},
		{
			name: "unknown", tags: "[attack.t9999]", want: []tagger.Emit{{Confidence: 0.75}},
			warnings: `s.yml:8:8: rule "6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11": unknown technique "T9999" in ATT&CK v19.1: it is left out [unknown-technique]`,
		},
		{name: "tactics, groups and software name no technique", tags: "[attack.stealth, attack.g0069, attack.s0002, cve.2021-44228]", want: []tagger.Emit{{Confidence: 0.75}}},
		{name: "no tags", tags: "[]", want: []tagger.Emit{{Confidence: 0.75}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sigmaOf(t, "tags:\n    - attack.credential-access\n    - attack.t1003.008\n", "tags: "+tt.tags+"\n")
			if diff := cmp.Diff(tt.want, r.Emits); diff != "" {
				t.Errorf("emits of %s (-want +got):\n%s", tt.tags, diff)
			}
			warnings := ""
			if err := errors.Join(r.Warnings...); err != nil {
				warnings = err.Error()
			}
			if warnings != tt.warnings {
				t.Errorf("warnings of %s = %q, want %q", tt.tags, warnings, tt.warnings)
			}
		})
	}
}

func TestSigmaLevelBecomesConfidence(t *testing.T) {
	t.Parallel()
	for level, want := range map[string]float64{
		"level: informational\n": 0.2, "level: low\n": 0.35, "level: medium\n": 0.55, "level: high\n": 0.75, "level: Critical\n": 0.9,
		"": 0.5, "level:\n": 0.5,
	} {
		if got := sigmaOf(t, "level: high\n", level).Emits[0].Confidence; got != want {
			t.Errorf("confidence of %q = %v, want %v", level, got, want)
		}
	}
	p := parser()
	p.Levels.High = 1
	r, err := p.Parse("s.yml", []byte(sigma))
	if err != nil || r.Emits[0].Confidence != 1 {
		t.Errorf("Parse with another level = %v, %v, want its confidence 1", r, err)
	}
}

func TestSigmaFieldsBecomeEvidence(t *testing.T) {
	t.Parallel()
	const fields = "fields: [CommandLine, User, Image, CommandLine, _cut, 'a..b']\n"
	r := sigmaOf(t, "level: high\n", "level: high\n"+fields)
	if diff := cmp.Diff([]string{"command_text", "user", "Image"}, r.EvidenceFields); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
}

func TestSigmaEvidenceIsElseWhatTheDetectionNames(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"command_text"}, sigmaOf(t).EvidenceFields); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
}

func TestSigmaFaults(t *testing.T) {
	t.Parallel()
	const id = `rule "6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11": `
	for _, tt := range []struct {
		name, before, after, want string
		edits                     []string
	}{
		{name: "no id", before: "id: 6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11\n", want: "s.yml:1:1: id is missing: it becomes the rule_id"},
		{name: "bad id", before: "id: 6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11", after: "id: a b", want: `s.yml:2:5: id "a b": 1 to 128 of A-Z a-z 0-9 _ . -`},
		{name: "no title", before: "title: Shadow file printed\n", want: "s.yml:1:1: " + id + "title is missing"},
		{name: "unknown level", before: "level: high", after: "level: hgih", want: "s.yml:19:8: " + id + `unknown level "hgih": informational, low, medium, high or critical`},
		{name: "no logsource", before: "logsource:\n    category: process_creation\n    product: linux\n", want: "s.yml:1:1: " + id + "logsource is missing: category, product, service"},
		{name: "logsource of nothing", before: "    category: process_creation\n    product: linux\n", after: "    definition: x\n", want: "s.yml:12:5: " + id + "logsource names none of category, product and service"},
		{name: "category that is a list", before: "category: process_creation", after: "category: [a]", want: "s.yml:12:15: " + id + "want a text, got a list"},
		{name: "detection that is a list", before: "detection:\n    selection:\n        CommandLine|contains: /etc/shadow\n    condition: selection\n", after: "detection: [a]\n", want: "s.yml:14:12: " + id + "want a mapping of selections and a condition, got a list"},
		{name: "field given twice", before: "CommandLine|contains: /etc/shadow", after: "{a: 1, a: 2}", want: "s.yml:16:16: " + id + `key "a" is given twice, first in line 16`},
		{
			name: "a logsource of nothing behind another fault", before: "title: Shadow file printed\n", after: "title:\n",
			edits: []string{"    category: process_creation\n    product: linux\n", "    definition: x\n"},
			want:  "s.yml:1:7: " + id + "title is missing\ns.yml:12:5: " + id + "logsource names none of category, product and service",
		},
		{
			name: "a list", before: "CommandLine|contains: /etc/shadow", after: "User|expand: '%admins%'",
			want: "s.yml:16:22: " + id + `unknown list "admins": no list of that name is given for the placeholder; ` +
				"add it to the shared lists (rule_store.lists_dir) or, in a rule of our own form, to match.lists",
		},
		{name: "correlation", before: "level: high", after: "correlation: {type: event_count}", want: "s.yml:19:14: " + id + "Sigma correlation rules are not supported yet"},
		{name: "two documents", before: "level: high", after: "---\ntitle: another", want: "s.yml:19:1: a second YAML document begins here: one file holds one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.NewReplacer(tt.edits...).Replace(strings.Replace(sigma, tt.before, tt.after, 1))
			if _, err := parser().Parse("s.yml", []byte(text)); err == nil || err.Error() != tt.want {
				t.Errorf("Parse(%s) =\n%v\nwant\n%s", text, err, tt.want)
			}
		})
	}
}

func TestTestsOfASigmaRuleAreAWarning(t *testing.T) {
	t.Parallel()
	r := sigmaOf(t, "level: high\n", "level: high\ntests: [{name: x}]\n")
	const want = `s.yml:20:8: rule "6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11": tests in a Sigma rule are not run [sigma-tests]`
	if err := errors.Join(r.Warnings...); err == nil || err.Error() != want {
		t.Errorf("warnings = %v, want %s", err, want)
	}
}

func TestRuleIDMakesARuleOurs(t *testing.T) {
	t.Parallel()
	_, err := parser().Parse("s.yml", []byte("rule_id: R1\n"+sigma))
	if err == nil || !strings.Contains(err.Error(), `unknown field "detection"`) {
		t.Errorf("Parse of a Sigma rule with a rule_id = %v, want the keys of Sigma unknown", err)
	}
}
