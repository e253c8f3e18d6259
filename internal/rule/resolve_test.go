package rule_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"ttpworker/internal/rule"
)

// filter is a Sigma filter of ours for the rule that sigma is.
const filter = `title: Backups of ours
id: 0b7a1d1e-9a55-4c39-8f0e-5d2c9a3f1e22
logsource: {category: process_creation}
filter:
    rules: [6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]
    backup:
        User: backup
    condition: not backup
`

func parseAll(t *testing.T, texts ...string) []*rule.Rule {
	t.Helper()
	var files []*rule.Rule
	for i, text := range texts {
		r, err := parser().Parse(string(rune('a'+i))+".yml", []byte(text))
		if err != nil {
			t.Fatalf("Parse(%s) = %v", text, err)
		}
		files = append(files, r)
	}
	return files
}

func TestResolveMergesFilters(t *testing.T) {
	t.Parallel()
	const byName = "name: shadow_printed\n"
	for _, tt := range []struct {
		name    string
		rule    string // added to the rule
		filter  []string
		merged  bool
		warning string
	}{
		{name: "by id, logsource more general", merged: true},
		{name: "logsource equal", filter: []string{"{category: process_creation}", "{product: linux, category: process_creation}"}, merged: true},
		{
			name: "logsource more special", filter: []string{"{category: process_creation}", "{product: linux, category: process_creation, service: x}"},
			warning: `b.yml:5:13: filter "0b7a1d1e-9a55-4c39-8f0e-5d2c9a3f1e22": names rule "6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11", whose logsource is another one [unknown-rule]`,
		},
		{name: "any rule", filter: []string{"[6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]", "any"}, merged: true},
		{name: "any rule, in a list", filter: []string{"[6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]", "[any]"}, merged: true},
		{name: "any rule of another logsource", filter: []string{"[6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]", "any", "process_creation", "dns"}},
		{name: "by name", rule: byName, filter: []string{"[6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]", "[shadow_printed]"}, merged: true},
		{
			name: "unknown rule", filter: []string{"[6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]", "[other, 6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]"}, merged: true,
			warning: `b.yml:5:13: filter "0b7a1d1e-9a55-4c39-8f0e-5d2c9a3f1e22": names rule "other", which is not there [unknown-rule]`,
		},
		{
			name: "a rule of ours", filter: []string{"[6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]", "[R9001]"},
			warning: `b.yml:5:13: filter "0b7a1d1e-9a55-4c39-8f0e-5d2c9a3f1e22": names rule "R9001", which is no Sigma rule and has no logsource [unknown-rule]`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := parseAll(t, sigma+tt.rule, strings.NewReplacer(tt.filter...).Replace(filter), simple)
			rules, warnings := rule.Resolve(files)
			if len(rules) != 2 || rules[1] != files[2] {
				t.Fatalf("Resolve = %v, want the two rules, and ours as it is", loaded(rules))
			}
			if got := len(rules[0].Filters) == 1; got != tt.merged || (rules[0] == files[0]) == tt.merged || (rules[0].Digest == files[0].Digest) == tt.merged {
				t.Errorf("filters of the rule = %q, want it merged: %v, and seen in the digest", rules[0].Filters, tt.merged)
			}
			if len(files[0].Filters) > 0 {
				t.Error("Resolve changed the rule that it was given")
			}
			text := ""
			if err := errors.Join(warnings...); err != nil {
				text = err.Error()
			}
			if text != tt.warning {
				t.Errorf("warnings = %q, want %q", text, tt.warning)
			}
		})
	}
}

func TestResolvedDigestFollowsTheFilter(t *testing.T) {
	t.Parallel()
	digest := func(filters ...string) string {
		rules, _ := rule.Resolve(parseAll(t, append([]string{sigma}, filters...)...))
		return rules[0].Digest
	}
	other := strings.NewReplacer("0b7a", "1b7a", "backup", "restic").Replace(filter)
	if digest(filter, other) != digest(other, filter) {
		t.Error("the order of files shows in the digest")
	}
	if digest(filter) != digest(strings.Replace(filter, "Backups of ours", "Another title", 1)) {
		t.Error("the title of a filter shows in the digest")
	}
	all := []string{digest(), digest(filter), digest(other), digest(filter, other)}
	slices.Sort(all)
	if len(slices.Compact(all)) != 4 {
		t.Error("two sets of filters give the same digest")
	}
}

// A Resolver makes what Resolve makes, and anew only what an edit has changed.
func TestResolverKeepsWhatIsNotChanged(t *testing.T) {
	t.Parallel()
	anyRule := strings.NewReplacer("[6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]", "any", "0b7a", "1b7a").Replace(filter)
	other := strings.NewReplacer("6a1f", "7a1f").Replace(sigma)
	files := parseAll(t, sigma, other, filter, anyRule, simple)
	var v rule.Resolver
	resolve := func(changed ...bool) []*rule.Rule {
		t.Helper()
		before, _ := v.Resolve(files)
		for i, c := range changed {
			if c {
				files[i] = parseAll(t, files[i].File.Text)[0]
			}
		}
		after, warnings := v.Resolve(files)
		want, wantWarnings := rule.Resolve(files)
		if len(after) != len(want) || len(warnings) != len(wantWarnings) {
			t.Fatalf("Resolver gives %v and %v, Resolve %v and %v", loaded(after), warnings, loaded(want), wantWarnings)
		}
		for i, r := range after {
			if r.Digest != want[i].Digest || !slices.Equal(r.Filters, want[i].Filters) {
				t.Errorf("Resolver gives %s %q, Resolve %s %q", r.Digest, r.Filters, want[i].Digest, want[i].Filters)
			}
			if r == before[i] {
				after[i] = nil
			}
		}
		return after
	}
	for _, tt := range []struct {
		name  string
		edits []bool
		anew  []bool
	}{
		{"nothing", nil, []bool{false, false, false}},
		{"one rule", []bool{true}, []bool{true, false, false}},
		{"the filter of one rule", []bool{false, false, true}, []bool{true, false, false}},
		{"the filter of all", []bool{false, false, false, true}, []bool{true, true, false}},
		{"a rule of ours", []bool{false, false, false, false, true}, []bool{false, false, true}},
	} {
		for i, r := range resolve(tt.edits...) {
			if (r != nil) != tt.anew[i] {
				t.Errorf("edit of %s: rule %d was made anew: %v, want %v", tt.name, i, r != nil, tt.anew[i])
			}
		}
	}
	files = slices.Delete(files, 2, 4)
	if rules, _ := v.Resolve(files); rules[0] != files[0] || rules[1] != files[1] {
		t.Error("without filters the rules are not those of the files")
	}
}

// Two rules may have one Sigma name: a filter that names it is for those that its logsource covers.
func TestAllRulesOfANameCount(t *testing.T) {
	t.Parallel()
	elsewhere := strings.NewReplacer("6a1f", "5a1f", "process_creation", "dns").Replace(sigma) + "name: printed\n"
	named := strings.Replace(filter, "6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11", "printed", 1)
	rules, warnings := rule.Resolve(parseAll(t, elsewhere, sigma+"name: printed\n", named))
	if len(warnings) > 0 || len(rules[0].Filters) != 0 || len(rules[1].Filters) != 1 {
		t.Errorf("filters = %q and %q, warnings %v; want the second rule filtered, and no warning", rules[0].Filters, rules[1].Filters, warnings)
	}
}

func TestFilterFaults(t *testing.T) {
	t.Parallel()
	const id = `filter "0b7a1d1e-9a55-4c39-8f0e-5d2c9a3f1e22": `
	_, condition, _ := strings.Cut(filter, "process_creation}\n")
	for _, tt := range []struct{ name, before, after, want string }{
		{name: "neither id nor title", before: "title: Backups of ours\nid: 0b7a1d1e-9a55-4c39-8f0e-5d2c9a3f1e22\n", want: "f.yml:1:1: id and title are missing: one of them names the filter"},
		{name: "no rules", before: "    rules: [6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]\n", want: "f.yml:5:5: " + id + "rules is missing: a list of rule ids, or any"},
		{name: "empty rules", before: "[6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]", after: "[]", want: "f.yml:5:12: " + id + "rules is empty: a list of rule ids, or any"},
		{name: "rules that are mappings", before: "[6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11]", after: "[{id: x}]", want: "f.yml:5:13: " + id + "want a rule id, got a mapping"},
		{
			name: "a rule too", before: "title: Backups of ours\n", after: "title: Backups of ours\ndetection: {a: {b: c}, condition: a}\n",
			want: "f.yml:2:12: " + id + "a file is a rule or a filter, not both: it has detection and filter",
		},
		{name: "no logsource", before: "logsource: {category: process_creation}\n", want: "f.yml:1:1: " + id + "logsource is missing: category, product, service"},
		{name: "empty", before: condition, after: "filter:\n", want: "f.yml:4:8: " + id + "filter is empty"},
		{name: "a list", before: condition, after: "filter: [x]\n", want: "f.yml:4:9: " + id + "want a mapping of selections and a condition, got a list"},
	} {
		text := strings.Replace(filter, tt.before, tt.after, 1)
		if _, err := parser().Parse("f.yml", []byte(text)); err == nil || err.Error() != tt.want {
			t.Errorf("%s: Parse(%s) =\n%v\nwant\n%s", tt.name, text, err, tt.want)
		}
	}
}

func TestFilterMayBeNamedByItsTitle(t *testing.T) {
	t.Parallel()
	f := parseAll(t, strings.Replace(filter, "id: 0b7a1d1e-9a55-4c39-8f0e-5d2c9a3f1e22\n", "", 1))[0]
	if f.ID != "Backups of ours" || f.Filter == nil || f.Key() == f.ID {
		t.Errorf("filter = %q, key %q, want its title and a key that no rule has", f.ID, f.Key())
	}
}

func TestLoadMergesFilters(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{"a.yml": {Data: []byte(filter)}, "b.yml": {Data: []byte(sigma)}, "c.yml": {Data: []byte(filter)}}
	rules, err := parser().Load(fsys, ".", "")
	if len(rules) != 1 || len(rules[0].Filters) != 1 {
		t.Errorf("Load = %v, want the rule with its filter", loaded(rules))
	}
	const want = `c.yml:2:5: filter "0b7a1d1e-9a55-4c39-8f0e-5d2c9a3f1e22": duplicate id of a filter: a.yml has it already`
	if err == nil || err.Error() != want {
		t.Errorf("Load = %v, want %s", err, want)
	}
}
