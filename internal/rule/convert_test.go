package rule_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/rule"
)

func TestConvertWritesOurForm(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer(
		"        CommandLine|contains: /etc/shadow\n", "        CommandLine|contains|all: [/etc/shadow, '\\*', 15, '15']\n        Image: ~\n"+
			"    other:\n        - plain keyword\n        - User|fieldref: CommandLine\n",
		"condition: selection", "condition: selection and not other",
		"level: high\n", "fields: [CommandLine, User]\nlevel: high\n",
	).Replace(sigma)
	r, err := parser().Parse("s.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got, err := parser().Convert(r)
	if err != nil {
		t.Fatalf("Convert = %v", err)
	}
	const want = `rule_id: 6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11
rule_version: 1
name: Shadow file printed
description: Prints the shadow file.
applies_to:
  - command
match:
  detection:
    selection:
      command_text|contains|all:
        - /etc/shadow
        - \*
        - 15
        - "15"
      Image: null
    other:
      - plain keyword
      - user|fieldref: command_text
    condition: selection and not other
emits:
  - tactic: TA0006
    technique_id: T1003
    sub_technique_id: T1003.008
    confidence: 0.75
evidence_fields:
  - command_text
  - user
references:
  - https://example.org/shadow
author: a person
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("Convert (-want +got):\n%s", diff)
	}
	again, err := parser().Parse("o.yaml", got)
	if err != nil {
		t.Fatalf("Parse of what Convert wrote = %v", err)
	}
	sameRule(t, r, again)
	if _, err := checkSchema(t, compileSchema(t), got); err != nil {
		t.Errorf("schema of what Convert wrote: %v", err)
	}
}

// sameRule wants of a rule and its other form all that tags show but version and digest.
func sameRule(t *testing.T, a, b *rule.Rule) {
	t.Helper()
	type shown struct{ ID, Name, Kinds, Emits, Evidence any }
	show := func(r *rule.Rule) shown {
		return shown{r.ID, r.Name, r.Kinds, r.Emits, append([]string{}, r.EvidenceFields...)}
	}
	if diff := cmp.Diff(show(a), show(b)); diff != "" {
		t.Errorf("rule (-Sigma +ours):\n%s", diff)
	}
}

func TestConvertRefusesWhatOurFormCannotSay(t *testing.T) {
	t.Parallel()
	const id = `rule "6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11": `
	for _, tt := range []struct{ name, before, after, want string }{
		{name: "no technique", before: "    - attack.t1003.008\n", want: "a.yml: " + id + "no technique: rules of our form name at least one"},
		{
			name: "unknown kind", before: "category: process_creation", after: "category: teapot",
			want: "a.yml: " + id + `source kind "teapot" is not in the mapping: give it an entry, so that our own rules can apply to it`,
		},
		{
			name: "two fields that are one", before: "    category: process_creation\n    product: linux\ndetection:\n    selection:\n",
			after: "    category: proxy\ndetection:\n    selection:\n        c-uri: x\n        cs-uri: y\n",
			want:  "a.yml:16:9: " + id + "the mapping makes two fields of this selection one, raw_url",
		},
	} {
		r := parseAll(t, strings.Replace(sigma, tt.before, tt.after, 1))[0]
		if _, err := parser().Convert(r); err == nil || err.Error() != tt.want {
			t.Errorf("%s: Convert = %v, want %s", tt.name, err, tt.want)
		}
	}
	rules, _ := rule.Resolve(parseAll(t, sigma, filter))
	if _, err := parser().Convert(rules[0]); err == nil || !strings.Contains(err.Error(), "our form has no filters") {
		t.Errorf("Convert of a filtered rule = %v, want it refused", err)
	}
	if _, err := parser().Convert(parseAll(t, simple)[0]); err == nil || !strings.Contains(err.Error(), "it is in our form already") {
		t.Errorf("Convert of our own rule = %v, want it refused", err)
	}
}
