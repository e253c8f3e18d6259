package rule_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/rule"
)

// sharedLists are those of one file.
func sharedLists(t *testing.T, text string) rule.Lists {
	t.Helper()
	read, err := rule.ParseLists("lists/l.yaml", []byte(text), 1<<16)
	if err != nil {
		t.Fatalf("ParseLists(%s) = %v", text, err)
	}
	lists := rule.Lists{}
	for _, l := range read {
		lists[l.Name] = l
	}
	return lists
}

func TestParseListsReadsTextsAsWritten(t *testing.T) {
	t.Parallel()
	got := map[string][]string{}
	for name, l := range sharedLists(t, "# people\nadmins: [root, 'Toor', \"a\\tb\"]\nnumbers-1.0:\n  - 007 # not 7\n  - True\n  - 2026-01-01\n  - '*x?'\n") {
		got[name] = l.Values
	}
	want := map[string][]string{"admins": {"root", "Toor", "a\tb"}, "numbers-1.0": {"007", "True", "2026-01-01", "*x?"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
}

func TestParseListsFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{name: "nothing", text: "# later\n", want: "l.yaml:1:1: file is empty"},
		{name: "no list", text: "{}\n", want: "l.yaml:1:1: there is no list: names, each with a list of texts"},
		{name: "no mapping", text: "[a, b]\n", want: "l.yaml:1:1: want a mapping, got a list"},
		{name: "a text", text: "a: b\n", want: `l.yaml:1:4: want a list, got "b"`},
		{name: "a mapping", text: "a: {b: c}\n", want: "l.yaml:1:4: want a list, got a mapping"},
		{name: "a list in a list", text: "a: [b, [c]]\n", want: "l.yaml:1:8: want a text, got a list"},
		{name: "an empty list", text: "a: []\nb:\n", want: "l.yaml:1:4: list \"a\" is empty\nl.yaml:2:3: list \"b\" is empty"},
		{name: "empty values", text: "a:\n  - b\n  - ''\n  -\n", want: "l.yaml:3:5: value is empty: it would be in every text\nl.yaml:4:4: value is empty: it would be in every text"},
		{name: "a name that no placeholder has", text: "a%b: [c]\n", want: `l.yaml:1:6: name "a%b" of a list: 1 to 128 of A-Z a-z 0-9 _ . -`},
		{name: "a name twice", text: "a: [b]\na: [c]\n", want: `l.yaml:2:1: key "a" is given twice, first in line 1`},
		{name: "a rule", text: withDetection, want: `l.yaml:1:10: want a list, got "R9001"`},
		{name: "a large file", text: "a: [" + strings.Repeat("b, ", 400) + "]\n", want: "l.yaml:1:1: file has 1206 bytes, more than the limit of 1000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lists, err := rule.ParseLists("l.yaml", []byte(tt.text), 1000)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("ParseLists(%s) =\n%v\nwant\n%s", tt.text, err, tt.want)
			}
			if lists != nil {
				t.Errorf("ParseLists(%s) = %v beside an error", tt.text, lists)
			}
		})
	}
}

func TestReadLists(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{
		"lists/a.yaml": {Data: []byte("one: [a]\ntwo: [b]\n")}, "lists/sub/b.yml": {Data: []byte("two: [c]\nthree: [d]\n")},
		"lists/c.yaml": {Data: []byte("four: e\n")}, "lists/README.md": {Data: []byte("four: e\n")},
	}
	lists, err := rule.ReadLists(dir, "lists", "rules/lists", 1000, sharedLists(t, "three: [x]\n"))
	got := map[string]string{}
	for name, l := range lists {
		got[name] = strings.Join(l.Values, " ") + " of " + l.Path
	}
	want := map[string]string{"one": "a of rules/lists/a.yaml", "two": "b of rules/lists/a.yaml", "three": "x of lists/l.yaml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
	const faults = `rules/lists/c.yaml:1:7: want a list, got "e"
rules/lists/sub/b.yml:1:6: duplicate list "two": rules/lists/a.yaml has it already
rules/lists/sub/b.yml:2:8: duplicate list "three": lists/l.yaml has it already`
	if err == nil || err.Error() != faults {
		t.Errorf("faults =\n%v\nwant\n%s", err, faults)
	}
	if lists, err := rule.ReadLists(dir, "nowhere", "", 1000, nil); err != nil || len(lists) != 0 {
		t.Errorf("ReadLists where there is no directory = %v, %v, want none", lists, err)
	}
}

// usesAdmins is withDetection with a placeholder in it, and what goes before the detection.
func usesAdmins(match string) string {
	return strings.NewReplacer("match:\n", "match:\n"+match, "user: root", "user|expand|startswith: 'x-%admins%-'").Replace(withDetection)
}

func TestASharedListIsPartOfTheRule(t *testing.T) {
	t.Parallel()
	p := parser()
	parse := func(lists, text string) (*rule.Rule, []string) {
		t.Helper()
		r, asked, err := p.ParseWith(sharedLists(t, lists), "x.yaml", []byte(text))
		if err != nil {
			t.Fatalf("ParseWith = %v", err)
		}
		return r, asked
	}
	r, asked := parse("admins: [root, toor]\nother: [x]\n", usesAdmins(""))
	if diff := cmp.Diff([]string{"admins"}, asked); diff != "" || !cmp.Equal(asked, r.Lists) {
		t.Errorf("asked = %q, Lists = %q, want admins in both", asked, r.Lists)
	}
	same, _ := parse("# a comment\nadmins:\n  - root\n  - toor\n", usesAdmins(""))
	edited, _ := parse("admins: [root]\n", usesAdmins(""))
	if r.Digest != same.Digest || r.Digest == edited.Digest {
		t.Errorf("digests = %s, of the same list %s, of another %s; want only the last to differ", r.Digest, same.Digest, edited.Digest)
	}
	own, asked := parse("admins: [root]\n", usesAdmins("  lists: {admins: [root, toor]}\n"))
	if own.Digest != r.Digest || len(asked)+len(own.Lists) != 0 {
		t.Errorf("a list of its own: digest %s, asked %q, want %s and none: it hides the shared one", own.Digest, asked, r.Digest)
	}
	none, asked := parse("admins: [root]\n", withDetection)
	if len(asked)+len(none.Lists) != 0 {
		t.Errorf("a rule without lists asked for %q", asked)
	}
	const want = `x.yaml:9:31: rule "R9001": unknown list "admins": no list of that name is given for the placeholder; ` +
		"add it to the shared lists (rule_store.lists_dir) or, in a rule of our own form, to match.lists"
	r, asked, err := p.ParseWith(nil, "x.yaml", []byte(usesAdmins("")))
	if r != nil || err == nil || err.Error() != want || !cmp.Equal(asked, []string{"admins"}) {
		t.Errorf("ParseWith without the list = %v, %q, %v, want no rule, admins and\n%s", r, asked, err, want)
	}
}

// A Sigma rule and its filter use shared lists, and the digest of the merged rule covers both.
func TestSharedListsInSigmaFiles(t *testing.T) {
	t.Parallel()
	text := strings.Replace(sigma, "CommandLine|contains: /etc/shadow", "CommandLine|expand|contains: '%files%'", 1)
	filter := "title: F\nlogsource: {category: process_creation}\nfilter:\n  rules: any\n  a: {User|expand: '%admins%'}\n  condition: not a\n"
	resolve := func(lists string) *rule.Rule {
		t.Helper()
		var files []*rule.Rule
		for _, file := range []string{text, filter} {
			f, _, err := parser().ParseWith(sharedLists(t, lists), "s.yml", []byte(file))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		rules, warnings := rule.Resolve(files)
		if len(rules) != 1 || len(rules[0].Filters) != 1 || len(warnings) != 0 {
			t.Fatalf("Resolve = %v, %v, want one rule with its filter", rules, warnings)
		}
		return rules[0]
	}
	seen := map[string]string{}
	for _, lists := range []string{"files: [/etc/shadow]\nadmins: [root]\n", "files: [/etc/passwd]\nadmins: [root]\n", "files: [/etc/shadow]\nadmins: [toor]\n"} {
		r := resolve(lists)
		if other, twice := seen[r.Digest]; twice {
			t.Errorf("the digest with %q is that with %q", lists, other)
		}
		seen[r.Digest] = lists
	}
}
