package lift

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

var update = flag.Bool("update", false, "write the table of docs/rules.md")

func TestTableOfLifters(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z0-9_]+$`)
	seen := map[string]bool{}
	for _, l := range lifters() {
		if !name.MatchString(l.name) || seen[l.name] || l.finds == "" {
			t.Errorf("lifter %q: bad name, name of another one, or nothing said of it", l.name)
		}
		seen[l.name] = true
		for _, kind := range l.kinds {
			if !slices.Contains(tagger.BuiltinKinds(), kind) || len(shown(kind).fields)+len(shown(kind).added) == 0 {
				t.Errorf("lifter %q: kind %q is unknown, or nothing may be shown of it", l.name, kind)
			}
		}
		for _, key := range l.adds {
			if !slices.ContainsFunc(l.kinds, func(kind string) bool { return slices.Contains(shown(kind).added, key) }) {
				t.Errorf("lifter %q adds %q to the evidence, which may not be shown of any of its kinds", l.name, key)
			}
		}
		params := map[string]bool{}
		for _, p := range l.params {
			if params[p.name] || !name.MatchString(p.name) || p.kind == "" || p.says == "" {
				t.Errorf("lifter %q, parameter %q: name of another one, or not described", l.name, p.name)
			}
			params[p.name] = true
			checkDefault(t, l.name, p)
		}
		compile(t, l.name, "")
	}
}

// checkDefault writes a default into a rule: it must be a value that the parameter takes, and the same.
func checkDefault(t *testing.T, lifter string, p param) {
	t.Helper()
	text, err := json.Marshal(p.def) // JSON is YAML
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		V *yamlx.Node `yaml:"v"`
	}
	doc, err := yamlx.Parse(fmt.Appendf(nil, "v: %s", text), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Decode(&file); err != nil {
		t.Fatal(err)
	}
	got, err := p.read(file.V, match.DefaultLimits())
	if err != nil {
		t.Errorf("lifter %q: its parameter %q does not take its own default: %v", lifter, p.name, err)
	}
	if diff := cmp.Diff(p.def, got); diff != "" {
		t.Errorf("lifter %q, parameter %q, its default written out (-want +got):\n%s", lifter, p.name, diff)
	}
}

const docs, tableBegin, tableEnd = "../../../docs/rules.md", "<!-- lifters: written by make golden -->\n", "<!-- end of lifters -->"

// TestDocumentedLifters is about people: what docs/rules.md says of lifters is what is there.
func TestDocumentedLifters(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("| lifter | source kinds | fires when | parameters | adds |\n| --- | --- | --- | --- | --- |\n")
	for _, l := range lifters() {
		var params []string
		for _, p := range l.params {
			def, err := json.Marshal(p.def)
			if err != nil {
				t.Fatal(err)
			}
			params = append(params, fmt.Sprintf("`%s`, %s: %s; `%s`", p.name, p.kind, p.says, strings.ReplaceAll(string(def), "|", `\|`)))
		}
		row := []string{"`" + l.name + "`", strings.Join(l.kinds, ", "), l.finds, strings.Join(params, "<br>"), strings.Join(l.adds, ", ")}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	data, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), tableBegin)
	got, after, ended := strings.Cut(rest, tableEnd)
	if !ok || !ended {
		t.Fatalf("%s has no %q with %q behind it", docs, tableBegin, tableEnd)
	}
	if *update {
		if err := os.WriteFile(docs, []byte(before+tableBegin+b.String()+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(b.String(), got); diff != "" {
		t.Errorf("table of %s; make golden writes it (-want +got):\n%s", docs, diff)
	}
}

func TestParametersHaveDefaultsAndAreResolved(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		parameters string
		want       map[string]any
	}{
		{"", map[string]any{"fail_threshold": int64(5), "window_minutes": int64(5)}},
		{"{}", map[string]any{"fail_threshold": int64(5), "window_minutes": int64(5)}},
		{"fail_threshold: 12", map[string]any{"fail_threshold": int64(12), "window_minutes": int64(5)}},
	} {
		l := compile(t, "credential_auth_brute_generic", tt.parameters)
		if diff := cmp.Diff(tt.want, l.Parameters); diff != "" {
			t.Errorf("parameters of %q (-want +got):\n%s", tt.parameters, diff)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, lifter, parameters, kind, evidence string
		want                                     []string
	}{
		{
			name: "lifter", lifter: "dice", kind: "credential",
			want: []string{`100:1: unknown lifter "dice": credential has credential_reuse`},
		},
		{
			name: "lifter of a kind that has none", lifter: "dice", kind: "payload",
			want: []string{`100:1: unknown lifter "dice": none reads events of kind payload`},
		},
		{
			name: "kind", lifter: "credential_reuse", kind: "command",
			want: []string{`100:1: lifter "credential_reuse" does not read events of kind "command", only credential`},
		},
		{
			name: "parameter", lifter: "credential_reuse", kind: "credential", parameters: "reuse_threshold: 1\nsides: 6",
			want: []string{`3:3: unknown parameter "sides" of lifter "credential_reuse"; known here: reuse_threshold`},
		},
		{
			name: "types", lifter: "credential_reuse", kind: "credential", parameters: "reuse_threshold: true",
			want: []string{`2:20: want a whole number that is not negative, got "true"`},
		},
		{
			name: "negative", lifter: "credential_reuse", kind: "credential", parameters: "reuse_threshold: -1",
			want: []string{`2:20: want a whole number that is not negative, got "-1"`},
		},
		{
			name: "flag", lifter: "credential_valid_account_use", kind: "auth_attempt", parameters: "require_prior_brute: 'true'",
			want: []string{`2:24: want true or false, got "true"`},
		},
		{
			name: "empty list", lifter: "credential_default_credentials", kind: "auth_attempt", parameters: "pairs: []",
			want: []string{`2:10: want a list of pairs of texts, such as [[root, toor]], got an empty list`},
		},
		{
			name: "evidence", lifter: "credential_reuse", kind: "credential", evidence: "password",
			want: []string{`100:1: evidence field "password" may not leave in a tag about credential; these may: credential_hash, reuse_count`},
		},
	} {
		u := useOf(t, tt.lifter, tt.parameters, tt.kind)
		if tt.evidence != "" {
			u.Evidence = []string{tt.evidence}
		}
		_, err := Compile(u)
		if diff := cmp.Diff(tt.want, faults(t, err)); diff != "" {
			t.Errorf("%s: faults of Compile (-want +got):\n%s", tt.name, diff)
		}
	}
}
