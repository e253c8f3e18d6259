package rule_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/rule"
)

const mapping = `- logsource: {product: linux, category: process_creation}
  source_kind: command
  fields: {CommandLine: command_text}
- logsource: {category: process_creation}
  fields: {CommandLine: proc.args}
- logsource: {product: linux, service: sshd}
- logsource: {product: zeek}
  source_kind: flow
`

func parserWith(t *testing.T, text string) rule.Parser {
	t.Helper()
	m, err := rule.ParseMapping("m.yaml", []byte(text))
	if err != nil {
		t.Fatalf("ParseMapping = %v", err)
	}
	return parser().WithMapping(m)
}

func TestMappingGivesKindAndFields(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, logsource, kind, field string }{
		{name: "the first entry wins", logsource: "{product: linux, category: process_creation}", kind: "command", field: "command_text"},
		{name: "a key that the entry does not name", logsource: "{product: linux, category: process_creation, service: x}", kind: "command", field: "command_text"},
		{name: "no source_kind keeps the category", logsource: "{product: windows, category: process_creation}", kind: "process_creation", field: "proc.args"},
		{name: "no source_kind keeps product and service", logsource: "{product: linux, service: sshd}", kind: "linux/sshd", field: "CommandLine"},
		{name: "a more general entry", logsource: "{product: zeek, service: http}", kind: "flow", field: "CommandLine"},
		{name: "a more special entry does not match", logsource: "{product: linux}", kind: "linux", field: "CommandLine"},
		{name: "no entry, service alone", logsource: "{service: nginx}", kind: "nginx", field: "CommandLine"},
		{name: "no entry, category beside service", logsource: "{category: dns, product: a, service: b}", kind: "dns", field: "CommandLine"},
		{name: "keys of one's own and null", logsource: "{category: dns, product: ~, definition: x, vendor: [y]}", kind: "dns", field: "CommandLine"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(sigma, "logsource:\n    category: process_creation\n    product: linux\n", "fields: [CommandLine]\nlogsource: "+tt.logsource+"\n", 1)
			r, err := parserWith(t, mapping).Parse("s.yml", []byte(text))
			if err != nil {
				t.Fatalf("Parse = %v", err)
			}
			if r.Kinds[0] != tt.kind || r.EvidenceFields[0] != tt.field {
				t.Errorf("logsource %s = kind %q, CommandLine in %q; want %q, %q", tt.logsource, r.Kinds[0], r.EvidenceFields[0], tt.kind, tt.field)
			}
		})
	}
}

func TestEmptyLogsourceOfAMappingMatchesAll(t *testing.T) {
	t.Parallel()
	r, err := parserWith(t, "- {logsource: {}, source_kind: all}").Parse("s.yml", []byte(sigma))
	if err != nil || r.Kinds[0] != "all" {
		t.Errorf("Parse = %v, %v, want the kind of the entry for all", r, err)
	}
}

func TestKindsOfTheMappingAreKnown(t *testing.T) {
	t.Parallel()
	p := parserWith(t, mapping)
	if got := p.Kinds[12:]; !slices.Equal(got, []string{"process_creation", "linux/sshd", "flow"}) {
		t.Errorf("kinds beyond the built-in ones = %q, want those of the mapping", got)
	}
	for kind, known := range map[string]bool{"flow": true, "linux/sshd": true, "zeek/http": false, "dns": false} {
		_, err := p.Parse("x.yaml", []byte(edit(t, "[command]\nmatch: {pattern: evil}", "["+kind+"]\nmatch: {pattern: evil, field: x}")))
		if (err == nil) != known {
			t.Errorf("a rule for kind %q: %v, want it known: %v", kind, err, known)
		}
	}
}

func TestMappingFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{name: "a mapping", in: "logsource: {}", want: "m.yaml:1:1: want a list, got a mapping"},
		{name: "unknown key", in: "- logsource: {}\n  kind: x", want: `m.yaml:2:3: unknown field "kind"; known here: fields, logsource, source_kind`},
		{name: "unknown key of a logsource", in: "- logsource: {vendor: x}", want: `m.yaml:1:15: unknown field "vendor"; known here: category, product, service`},
		{name: "no logsource", in: "- source_kind: x", want: "m.yaml:1:3: logsource is missing; {} matches all"},
		{name: "wrong types", in: "- logsource: {category: [a]}\n  fields: [b]", want: "m.yaml:1:25: want a text, got a list\nm.yaml:2:11: want a mapping, got a list"},
		{name: "empty kind", in: "- logsource: {}\n  source_kind: ''", want: "m.yaml:2:16: source_kind is empty"},
		{name: "empty entry", in: "- ~", want: "m.yaml:1:3: entry is empty"},
		{name: "no path", in: "- logsource: {}\n  fields: {a: b, c: d..e}", want: `m.yaml:2:21: "d..e" is no dotted path`},
		{name: "field twice", in: "- logsource: {}\n  fields: {a: b, a: c}", want: `m.yaml:2:18: key "a" is given twice, first in line 2`},
		{name: "empty file", in: "# nothing", want: "m.yaml:1:1: file is empty"},
	} {
		if _, err := rule.ParseMapping("m.yaml", []byte(tt.in)); err == nil || err.Error() != tt.want {
			t.Errorf("%s: ParseMapping(%q) = %v, want %s", tt.name, tt.in, err, tt.want)
		}
	}
}

func TestShippedMapping(t *testing.T) {
	t.Parallel()
	p := parser()
	for _, tt := range []struct {
		logsource string
		kind      string
		fields    []string // of CommandLine, c-uri, cs-user-agent
	}{
		{logsource: "{category: process_creation, product: linux}", kind: "command", fields: []string{"command_text", "c-uri", "cs-user-agent"}},
		{logsource: "{category: process_creation, product: windows}", kind: "process_creation", fields: []string{"CommandLine", "c-uri", "cs-user-agent"}},
		{logsource: "{category: webserver}", kind: "http_request", fields: []string{"CommandLine", "raw_url", "user_agent"}},
		{logsource: "{category: proxy, product: x}", kind: "http_request", fields: []string{"CommandLine", "raw_url", "user_agent"}},
		{logsource: "{product: linux, service: auditd}", kind: "linux/auditd", fields: []string{"CommandLine", "c-uri", "cs-user-agent"}},
	} {
		text := strings.Replace(sigma, "logsource:\n    category: process_creation\n    product: linux\n",
			"fields: [CommandLine, c-uri, cs-user-agent]\nlogsource: "+tt.logsource+"\n", 1)
		r, err := p.Parse("s.yml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.fields, r.EvidenceFields); diff != "" || r.Kinds[0] != tt.kind {
			t.Errorf("%s = kind %q, want %q; fields (-want +got):\n%s", tt.logsource, r.Kinds[0], tt.kind, diff)
		}
		if !slices.Contains(p.Kinds, tt.kind) {
			t.Errorf("kind %q is not known", tt.kind)
		}
	}
}
