package rule_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

const withLifter = `rule_id: R9001
rule_version: 1
name: sample
applies_to: [auth_attempt]
match: {kind: 'lifter:credential_default_credentials', parameters: {pairs: [[root, toor]]}}
emits:
  - {tactic: TA0001, technique_id: T1078, sub_technique_id: T1078.001, confidence: 0.9}
evidence_fields: [username]
tests:
  - {name: plain, identity_uuid: one, payload: {username: root, password: toor}, expect: [T1078.001]}
`

func TestDigestOfALifterIsThatOfItsResolvedParameters(t *testing.T) {
	t.Parallel()
	const canonical = `{"applies_to":["auth_attempt"],` +
		`"emits":[{"confidence":0.9,"sub_technique_id":"T1078.001","tactic":"TA0001","technique_id":"T1078"}],"evidence_fields":["username"],` +
		`"match":{"kind":"lifter:credential_default_credentials","parameters":{"pairs":[["root","toor"]]}},"name":"sample","rule_id":"R9001","rule_version":1}`
	sum := sha256.Sum256([]byte(canonical))
	want := hex.EncodeToString(sum[:])
	edited := func(match string) string {
		_, rest, _ := strings.Cut(withLifter, "\nemits:")
		head, _, _ := strings.Cut(withLifter, "match:")
		return head + "match: " + match + "\nemits:" + rest
	}
	if got := digestOf(t, withLifter); got != want {
		t.Errorf("digest = %s, want %s", got, want)
	}
	if got := digestOf(t, edited("{parameters: {pairs: [['root', \"toor\"]]}, kind: lifter:credential_default_credentials}")); got != want {
		t.Errorf("digest of the same in other words = %s, want %s", got, want)
	}
	if got := digestOf(t, edited("{kind: lifter:credential_default_credentials, parameters: {pairs: [[toor, root]]}}")); got == want {
		t.Error("another parameter gives the same digest")
	}
	none := digestOf(t, edited("{kind: 'lifter:credential_default_credentials'}"))
	written := "{kind: lifter:credential_default_credentials, parameters: {pairs: [[root, root], [admin, admin], [admin, password], [root, ''], [pi, raspberry]]}}"
	if got := digestOf(t, edited(written)); got != none || got == want {
		t.Errorf("digest of the defaults written out = %s, want that of no parameters, %s", got, none)
	}
}

func TestLifterOfARule(t *testing.T) {
	t.Parallel()
	r, err := parser().Parse("x.yaml", []byte(withLifter))
	if err != nil {
		t.Fatal(err)
	}
	if r.Match.Lift == nil || r.Match.Lift.Name != "credential_default_credentials" || r.Match.Detection != nil || len(r.Match.Patterns) > 0 {
		t.Errorf("Match = %+v, want the lifter and nothing else", r.Match)
	}
	if got := r.Tests[0].IdentityUUID; got != "one" {
		t.Errorf("identity of the test = %q, want one", got)
	}
}

func TestEvidenceOfAMailNeedNotBeNamed(t *testing.T) {
	t.Parallel()
	for kinds, want := range map[string]string{
		"[email]": `x.yaml:8:19: rule "R9001": evidence field "subject" is not shown: ` +
			"of a mail nothing is copied, and what may leave is shown without being named [unshown-evidence]",
		"[email, session]": "",
		"[session]":        "",
	} {
		r, err := parser().Parse("x.yaml", []byte(`rule_id: R9001
rule_version: 1
name: sample
applies_to: `+kinds+`
match: {pattern: x, field: subject}
emits:
  - {tactic: TA0001, technique_id: T1566, confidence: 0.9}
evidence_fields: [subject]
`))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Warnings; len(got) > 1 || (len(got) == 1) != (want != "") || want != "" && got[0].Error() != want {
			t.Errorf("%s: warnings = %v, want %q", kinds, got, want)
		}
	}
}
