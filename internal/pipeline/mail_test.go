package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"ttpworker/internal/match"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	shipped "ttpworker/rules"
)

// nosy are rules that ask to be shown all there is of a mail, by a pattern and by a detection.
var nosy = []string{
	`rule_id: NOSY1
rule_version: 1
name: nosy
applies_to: [email]
match: {pattern: '(?s).', field: [subject, from, body_text, note_text, x_mailer, urls, deep]}
emits: [{tactic: TA0001, technique_id: T1566, confidence: 0.5}]
evidence_fields: [subject, from, mail_from, body_text, body_sha256, rcpt_domains, rcpt_count, attachment_sha256s, urls, matched_kit, matched_headers, deep]
`, `title: nosy
id: 6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d12
logsource: {category: mail}
detection:
  all: {subject|exists: true}
  none: {subject|exists: false}
  condition: all or none
fields: [subject, from, body_text, matched_kit, deep, rcpt_count]
`,
}

// A mailbox tags mails by the shipped rules and the nosy ones.
type mailbox struct {
	plan  *pipeline.Plan
	kits  []string
	log   *bytes.Buffer // of what failed
	index *match.Index
}

func newMailbox(tb testing.TB) mailbox {
	tb.Helper()
	mapping, err := rule.ParseMapping("mapping.yaml", []byte("- {logsource: {category: mail}, source_kind: email}\n"))
	if err != nil {
		tb.Fatal(err)
	}
	parser := rule.NewParser(rule.DefaultMaxBytes).WithMapping(mapping)
	all, err := parser.Load(shipped.Pack(), ".", "rules/ttp")
	if err != nil {
		tb.Fatal(err)
	}
	m := mailbox{log: &bytes.Buffer{}, index: match.NewBuilder().Index()}
	for _, r := range all {
		if r.ID == "R0043" {
			m.kits = r.Match.Lift.Parameters["kits"].([]string)
		}
	}
	for i, text := range nosy {
		r, err := parser.Parse(fmt.Sprintf("nosy%d.yaml", i), []byte(text))
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, r)
	}
	m.plan = pipeline.NewPlan(all, allEnabled, tagger.NewMonitor(slog.New(slog.NewTextHandler(m.log, nil)), prometheus.NewRegistry()))
	return m
}

// A failer is what fails a test or one round of a property.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// tags are the tags of a mail.
func (m mailbox) tags(t failer, payload []byte) []tagger.Tag {
	t.Helper()
	tags, err := m.plan.AppendTags(nil, &tagger.TaggerEvent{SourceKind: "email", SourceID: "m", Payload: payload})
	if err != nil || m.log.Len() > 0 {
		t.Fatalf("tagging %s: %v, log %s", payload, err, m.log)
	}
	return tags
}

// everyTrick is a mail that every rule about mails fires on.
const everyTrick = `{"rcpt_count":30,"from":"Jane <jane@a.example>","mail_from":"x@b.example","return_path_domain":"c.example","rcpt_domains":["john@d.example"],
"x_mailer":"gophish 0.12","matched_kit":"gophish","urls":["https://u@xn--a.example:8443/b?c#d"],"dkim_signed":false,"spf_pass":false,"attachment_macros":true,
"attachment_extensions":["iso"],"attachment_sha256s":["00000000000000000000000000000000000000000000000000000000000000ab"],"subject":"urgent wire",
"body_text":"send bitcoin as ransom to bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4","body_base64_bytes":5000,"body_simhash":"9f","headers":{"To":["john@d.example"]}}`

func TestAMailThatEveryRuleFiresOn(t *testing.T) {
	t.Parallel()
	fired := map[string]int{}
	tags := newMailbox(t).tags(t, []byte(everyTrick))
	for i := range tags {
		fired[tags[i].RuleID]++
	}
	want := []string{"6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d12", "NOSY1", "R0033", "R0041", "R0042", "R0043", "R0044", "R0045", "R0046", "R0047", "R0048"}
	if got := slices.Sorted(maps.Keys(fired)); !slices.Equal(got, want) {
		t.Errorf("rules that fire = %q, want %q", got, want)
	}
}

const marker = "zqmarkerqz" // no domain, as it has no dot

// hidings are values that have the marker in what is no domain and no host.
func hidings() []any {
	return []any{
		marker, "Dear " + marker + ", send it urgently", marker + "@a.example", marker + " <jane@a.example>", `"` + marker + `@b.example" <jane@a.example>`,
		"jane@a.example (" + marker + ")", "<" + marker + "@a.example>", "http://" + marker + ":p@xn--a.example/", "http://u:" + marker + "@xn--a.example/",
		"http://xn--a.example:" + marker, "http://xn--a.example/" + marker, "http://xn--a.example?" + marker, "http://xn--a.example#" + marker,
		`http://xn--a.example\` + marker, "xn--a.example/" + marker, marker + "@xn--a.example", "//xn--a.example/" + marker, "the " + marker + ".iso", "gophish " + marker,
		strings.Repeat(marker, 7)[:64], "bc1q" + marker, "bitcoin " + marker, json.Number("4915112345678901"),
		map[string]any{marker: marker},
		[]any{marker, []any{marker}},
		map[string]any{"a": []any{map[string]any{"b": marker}}},
	}
}

// hide puts a value at some place of a mail: in place of a member or an item, or beside them.
func hide(t *rapid.T, mail map[string]any, value any) {
	key := rapid.SampledFrom(append(slices.Sorted(maps.Keys(mail)),
		"deep", "body_sha256", "note_text", "stored_as", "attachments", "from_domain", "mail_from_domain", "text", marker)).Draw(t, "key")
	if _, number := value.(json.Number); number && (key == "rcpt_count" || key == "body_base64_bytes") {
		return // counts may be shown
	}
	list, isList := mail[key].([]any)
	switch rapid.IntRange(0, 2).Draw(t, "how") {
	case 0:
		mail[key] = value
	case 1:
		if isList {
			mail[key] = append([]any{value}, list...)
		} else {
			mail[key] = []any{value, mail[key]}
		}
	case 2:
		if isList && len(list) > 0 {
			list[len(list)-1] = value
		} else {
			mail[key] = map[string]any{"a": value, marker: mail[key]}
		}
	}
}

// Whatever is put wherever in a mail, no tag shows it: local parts, names, subjects, bodies, files, all of a URL but its host.
func TestNothingPersonalLeavesInATag(t *testing.T) {
	t.Parallel()
	m := newMailbox(t)
	rapid.Check(t, func(t *rapid.T) {
		dec := json.NewDecoder(strings.NewReader(everyTrick))
		dec.UseNumber()
		var mail map[string]any
		if err := dec.Decode(&mail); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 4).Draw(t, "places") {
			hide(t, mail, rapid.SampledFrom(hidings()).Draw(t, "value"))
		}
		payload, err := json.Marshal(mail)
		if err != nil {
			t.Fatal(err)
		}
		tags := m.tags(t, payload)
		for i := range tags {
			evidence := strings.ToLower(string(tags[i].Evidence))
			if strings.Contains(evidence, marker) || strings.Contains(evidence, "49151123") {
				t.Errorf("%s shows %s of %s", tags[i].RuleID, evidence, payload)
			}
			m.checkShape(t, &tags[i])
		}
	})
}

var (
	sha256Shape  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	domainShape  = regexp.MustCompile(`^[^\s@_:/\\?#<>"'()A-Z.]+(\.[^\s@_:/\\?#<>"'()A-Z.]+)+$`)
	hostShape    = regexp.MustCompile(`^$|^[^\s@_:/\\?#<>"'()A-Z.]+(\.[^\s@_:/\\?#<>"'()A-Z.]+)*$`)
	countShape   = regexp.MustCompile(`^-?[0-9]{1,19}$`)
	addressShape = regexp.MustCompile(`^([13]|bc1|4)[0-9A-Za-z]{11,94}$`)
)

// checkShape wants of evidence that each value is one that its key allows. It knows nothing of how that is made sure.
func (m mailbox) checkShape(t failer, tag *tagger.Tag) {
	t.Helper()
	var evidence map[string]any
	dec := json.NewDecoder(bytes.NewReader(tag.Evidence))
	dec.UseNumber()
	if err := dec.Decode(&evidence); err != nil {
		t.Fatalf("evidence %s of %s: %v", tag.Evidence, tag.RuleID, err)
	}
	words := map[string][]string{
		"matched_headers":    {"From", "Mail-From", "Return-Path", "DKIM-Signature", "Authentication-Results", "X-Mailer", "Subject", "body"},
		"matched_kit":        m.kits,
		"matched_trigger":    {"office_macro", "lnk", "iso", "img", "protected_archive", "html_smuggling", "mal_hash_match"},
		"matched_signals":    {"from_returnpath_mismatch", "from_mailfrom_mismatch", "dkim_fail", "spf_fail"},
		"matched_subject_kw": {"urgent", "wire", "invoice", "payroll", "gift card"},
		"matched_body_kw":    {"send", "transfer", "update banking", "confidential"},
		"_cut":               {"rcpt_domain_set", "attachment_sha256s"},
	}
	shapes := map[string]*regexp.Regexp{
		"body_sha256": sha256Shape, "attachment_sha256s": sha256Shape, "rcpt_domain_set": domainShape, "matched_url_host": hostShape,
		"rcpt_count": countShape, "encoded_byte_count": countShape, "btc_address": addressShape,
	}
	cut, _ := evidence["_cut"].([]any)
	for key, value := range evidence {
		if slices.Contains(cut, any(key)) {
			continue // the beginning of a list of them
		}
		items, isList := value.([]any)
		if !isList {
			items = []any{value}
		}
		for _, item := range items {
			text := fmt.Sprint(item)
			if shape := shapes[key]; !slices.Contains(words[key], text) && (shape == nil || !shape.MatchString(text)) {
				t.Errorf("%s shows %q under %s", tag.RuleID, text, key)
			}
		}
	}
}

// FuzzMailsShowNothingPersonal wants of any mail that its tags show only what its kind allows, and nothing of a word that
// can be no part of a domain or a host, put behind any text of the mail.
func FuzzMailsShowNothingPersonal(f *testing.F) {
	m := newMailbox(f)
	f.Add([]byte(everyTrick), uint8(0))
	pack, err := rule.NewParser(rule.DefaultMaxBytes).Load(shipped.Pack(), ".", "rules/ttp")
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range pack {
		for i, test := range r.Tests {
			if test.Kind == "email" {
				f.Add(test.Payload, uint8(i))
			}
		}
	}
	const word = "zq_marker_qz"
	scratch := match.NewScratch()
	f.Fuzz(func(t *testing.T, payload []byte, at uint8) {
		if _, err := m.index.Match(payload, scratch); err != nil {
			return // no payload: wire lets it not through
		}
		if marked := mark(payload, int(at), word); marked != nil {
			payload = marked
		}
		tags := m.tags(t, payload)
		if len(tags) == 0 {
			t.Errorf("no tag of %q, want one of a rule that fires on all", payload)
		}
		for i := range tags {
			m.checkShape(t, &tags[i])
			if strings.Contains(strings.ToLower(string(tags[i].Evidence)), word) {
				t.Errorf("%s shows %s of %q", tags[i].RuleID, tags[i].Evidence, payload)
			}
		}
	})
}

// mark puts a word behind the beginning quote of the text that is the at-th, or in front of the ending one, keys too; nil =
// there is none.
func mark(payload []byte, at int, word string) []byte {
	quote := at
	for i := 0; i < len(payload); i++ {
		switch payload[i] {
		case '\\':
			i++
		case '"':
			if quote == 0 {
				begins := at%2 == 0
				end := i
				if begins {
					end = i + 1
				}
				return slices.Concat(payload[:end], []byte(word), payload[end:])
			}
			quote--
		}
	}
	return nil
}
