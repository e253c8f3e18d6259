package rule_test

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/match/matchtest"
	"ttpworker/internal/rule"
	"ttpworker/rules"
)

// again parses the source of r as if nothing were known but its texts, and checks that it is the same rule.
func again(t *testing.T, r *rule.Rule) {
	t.Helper()
	s := r.Source()
	got, err := s.Parse()
	if err != nil {
		t.Errorf("%s: Parse of its source = %v", r.File.Path, err)
		return
	}
	if got.Digest != r.Digest || !slices.Equal(got.Filters, r.Filters) || got.File != r.File || got.IsSigma() != r.IsSigma() {
		t.Errorf("%s: digest %s with filters %q, want %s with %q", r.File.Path, got.Digest, got.Filters, r.Digest, r.Filters)
	}
}

func TestTheSourceOfEachRuleIsThatRule(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(rule.Parser) ([]*rule.Rule, error){
		"pack": func(p rule.Parser) ([]*rule.Rule, error) { return p.Load(rules.Pack(), ".", "pack") },
		"sigma": func(p rule.Parser) ([]*rule.Rule, error) {
			return p.Load(os.DirFS("../../testdata/sigma"), "rules", "s")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := read(parser())
			if err != nil || len(all) < 40 {
				t.Fatalf("%d rules, %v", len(all), err)
			}
			count := map[string]int{}
			for _, r := range all {
				again(t, r)
				for what, is := range map[string]bool{
					"filter": len(r.Filters) > 0, "list": len(r.Lists) > 0, "lifter": r.Match.Lift != nil, "pattern": len(r.Match.Patterns) > 0,
					"detection": r.Match.Detection != nil, "sigma": r.IsSigma(),
				} {
					if is {
						count[what]++
					}
				}
			}
			if want := map[string][]string{"pack": {"list", "lifter", "pattern", "detection"}, "sigma": {"filter", "sigma", "detection"}}[name]; !hasAll(count, want) {
				t.Errorf("rules tried = %v, want each of %q", count, want)
			}
		})
	}
}

func hasAll(count map[string]int, names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return count[name] == 0 })
}

// What a rule was made of besides its file is in its source: a mapping, levels and limits of another configuration, a
// kind that only that mapping knows, lists of the rule and of its filter that have the same name and differ.
func TestASourceHangsOnNoConfiguration(t *testing.T) {
	t.Parallel()
	p := parserWith(t, strings.ReplaceAll(mapping, "command_text", "typed.text"))
	p.Levels.High, p.Levels.Missing, p.Limits.Regexp = 0.123, 0.456, 50_000
	const detection = "detection:\n    a: {CommandLine|expand|contains: '%tools%', User: x}\n    condition: a\nfields: [CommandLine, User]\nlevel: high\n"
	head, _, _ := strings.Cut(sigma, "detection:")
	parse := func(text, lists string) *rule.Rule {
		t.Helper()
		var shared rule.Lists
		if lists != "" {
			shared = sharedLists(t, lists)
		}
		r, _, err := p.ParseWith(shared, "dir/x.yml", []byte(text))
		if err != nil {
			t.Fatalf("ParseWith(%s) = %v", text, err)
		}
		return r
	}
	ruled := parse(head+detection, "tools: [wget, 'cu*']\nothers: [y]\n")
	filtered := parse(strings.Replace(filter, "User: backup", "User|expand: '%tools%'", 1), "tools: [backup]\n")
	resolved, warnings := rule.Resolve([]*rule.Rule{ruled, filtered})
	if len(resolved) != 1 || len(resolved[0].Filters) != 1 || len(warnings) != 0 {
		t.Fatalf("Resolve = %v, %v, want the rule with its filter", resolved, warnings)
	}
	for name, r := range map[string]*rule.Rule{
		"with a filter": resolved[0], "without": ruled, "no level": parse(strings.Replace(sigma, "level:", "x-level:", 1), ""),
		"a log source that nothing maps": parse(strings.Replace(sigma, "process_creation", "other", 1), ""),
		"a kind of the mapping": parse(strings.NewReplacer("[command]", "[flow]", "{pattern: evil}", "{pattern: evil, field: x}",
			"name: plain", "name: plain, kind: linux/sshd").Replace(simple), ""),
		"a large expression": parse(strings.Replace(simple, "evil}\nemits", "'"+strings.Repeat("(a|b)x{90}", 300)+"'}\nemits", 1), ""),
	} {
		t.Run(name, func(t *testing.T) { again(t, r) })
	}
	s := resolved[0].Source()
	got := []map[string][]string{s.Rule.Lists, s.Filters[0].Lists}
	want := []map[string][]string{{"tools": {"wget", "cu*"}}, {"tools": {"backup"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lists of rule and filter (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"CommandLine": "typed.text"}, maps.Clone(s.Sigma.Fields)); diff != "" || s.Sigma.Confidence != 0.123 {
		t.Errorf("fields (-want +got):\n%sconfidence %v, want 0.123", diff, s.Sigma.Confidence)
	}
}

func TestASourceThatIsNoRuleAnyMore(t *testing.T) {
	t.Parallel()
	good := parseAll(t, sigma, filter)
	resolved, _ := rule.Resolve(good)
	for name, tt := range map[string]struct {
		edit func(*rule.Source)
		want string
	}{
		"a technique that ATT&CK has not": {func(s *rule.Source) {
			s.Rule.Text, s.Filters, s.Sigma = strings.ReplaceAll(simple, "T1003", "T9999"), nil, nil
		}, "a.yml:"},
		"a filter as rule": {func(s *rule.Source) { s.Rule = s.Filters[0] }, "b.yml is a filter in place of a rule"},
		"a filter for others": {func(s *rule.Source) {
			s.Filters[0].Text = strings.Replace(s.Filters[0].Text, "6a1f7c6e", "00000000", 1)
		}, "0 of its 1 Sigma filters are for it"},
	} {
		t.Run(name, func(t *testing.T) {
			s := resolved[0].Source()
			tt.edit(&s)
			if r, err := s.Parse(); !errors.Is(err, rule.ErrSource) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse = %v, %v, want %q", r, err, tt.want)
			}
		})
	}
}

func TestTheSourcesOfPublicRules(t *testing.T) {
	t.Parallel()
	files, err := matchtest.ReadArchive("../../../shared/sigma")
	if errors.Is(err, matchtest.ErrNoArchive) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		r, err := parser().Parse(f.Path, f.Data)
		if err != nil {
			t.Fatal(err)
		}
		again(t, r)
	}
}
