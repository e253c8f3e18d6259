//go:build linux

package filesystem

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/rule"
	"ttpworker/internal/store/storetest"
)

// parseSigma reads rule files as the worker does, and those of storetest besides.
func parseSigma(lists rule.Lists, path string, data []byte) (*rule.Rule, []string, error) {
	if bytes.HasPrefix(data, []byte("rule_id:")) {
		return storetest.Parse(lists, path, data)
	}
	return rule.NewParser(rule.DefaultMaxBytes).ParseWith(lists, path, data)
}

func sigmaRule(id string) string {
	return fmt.Sprintf("title: a rule\nid: %s\nlogsource: {category: dns}\ndetection:\n  a: {query: x}\n  condition: a\n", id)
}

func sigmaFilter(value string, rules ...string) string {
	return fmt.Sprintf("title: F\nlogsource: {category: dns}\nfilter:\n  rules: [%s]\n  a: {query: %s}\n  condition: not a\n", strings.Join(rules, ", "), value)
}

// digests are those of the rules in force.
func (b *bench) digests() map[string]string {
	b.t.Helper()
	rules, err := b.Load(b.t.Context())
	b.check(err)
	out := map[string]string{}
	for _, r := range rules {
		if r.ID != "zz" {
			out[r.ID] = r.Digest
		}
	}
	return out
}

// A filter is no rule: what changes is every rule that it is for.
func TestFilterChangesTheRulesThatItIsFor(t *testing.T) {
	t.Parallel()
	b := setUpWith(t, patient(), parseSigma)
	for _, id := range []string{"R1", "R2", "R3"} {
		b.put(id+".yml", sigmaRule(id))
	}
	b.start()
	plain := b.digests()

	b.put("filter.yml", sigmaFilter("good", "R1", "R3"))
	b.expect("loaded R1 [F] R1.yml", "loaded R3 [F] R3.yml")
	filtered := b.digests()
	if filtered["R1"] == plain["R1"] || filtered["R2"] != plain["R2"] || len(filtered) != 3 {
		t.Errorf("digests = %v, without the filter %v; want those of R1 and R3 to differ", filtered, plain)
	}

	b.put("filter.yml", sigmaFilter("better", "R1", "R3"))
	b.expect("loaded R1 [F] R1.yml", "loaded R3 [F] R3.yml")

	b.put("filter.yml", "# a comment\n"+sigmaFilter("better", "R1", "R3"))
	b.expect() // no rule is another one

	b.put("filter.yml", sigmaFilter("better", "R2", "R3"))
	b.expect("loaded R1 [] R1.yml", "loaded R2 [F] R2.yml")

	b.put("filter.yml", strings.Replace(sigmaFilter("best", "R2"), "title: F", "titel: F", 1))
	b.expect("refused F filter.yml") // what was in force stays
	if got := b.digests(); got["R2"] == plain["R2"] {
		t.Error("a filter that is refused lost its last good version")
	}

	b.put("R2.yml", strings.Replace(sigmaRule("R2"), "query: x", "query: y", 1))
	b.expect("loaded R2 [F] R2.yml")

	b.remove("R3.yml")
	b.expect("removed R3 R3.yml")

	b.remove("filter.yml")
	b.expect("loaded R2 [] R2.yml")
	if diff := cmp.Diff(plain["R1"], b.digests()["R1"]); diff != "" {
		t.Errorf("digest of R1 without the filter (-before +after):\n%s", diff)
	}
}

func TestFilterInForceAtStartIsInTheFirstLoad(t *testing.T) {
	t.Parallel()
	b := setUpWith(t, patient(), parseSigma)
	b.put("R1.yml", sigmaRule("R1"))
	b.put("filter.yml", sigmaFilter("good", "any_other", "R1"))
	rules, err := b.Load(t.Context())
	if err != nil || len(rules) != 1 || len(rules[0].Filters) != 1 {
		t.Errorf("Load = %v, %v, want the rule with its filter, and no rule that is the filter", rules, err)
	}
	if n := b.metric("ttp_store_rules"); n != 1 {
		t.Errorf("rules in the metrics = %v, want 1", n)
	}
	if b.logged(`: names rule \"any_other\", which is not there`) != 1 {
		t.Errorf("log = %s\nwant a warning about the rule that is not there", b.lines.String())
	}
}

func TestMoreRulesThanTheLimitAreRefused(t *testing.T) {
	t.Parallel()
	cfg := patient()
	cfg.MaxRules = 3 // R1, R2 and the barrier
	b := setUp(t, cfg)
	b.put("R1.yaml", storetest.Text("R1", 1))
	b.put("R2.yaml", storetest.Text("R2", 1))
	b.start()
	b.put("R0.yaml", storetest.Text("R0", 1))
	b.expect("refused R0 R0.yaml")
	if b.refused("R0.yaml", "there are 3 rules and filters already, as many as may be in force (limits.rules)") != 1 {
		t.Errorf("refusals = %q, want one that names the limit", b.faults)
	}
	b.put("R1.yaml", storetest.Text("R1", 2))
	b.expect("loaded R1 2 R1.yaml")
	b.remove("R2.yaml")
	b.expect("loaded R0 1 R0.yaml", "removed R2 R2.yaml")
	if paths := b.RefusedPaths(); len(paths) != 0 {
		t.Errorf("refused paths = %q, want none", paths)
	}
}

func TestFiltersCountAsRulesDo(t *testing.T) {
	t.Parallel()
	cfg := patient()
	cfg.MaxRules = 3 // R1, F and the barrier
	b := setUpWith(t, cfg, parseSigma)
	b.put("R1.yml", sigmaRule("R1"))
	b.put("filter.yml", sigmaFilter("good", "R1"))
	b.start()
	b.put("more.yml", strings.Replace(sigmaFilter("better", "R1"), "title: F", "title: G", 1))
	b.expect("refused G more.yml")
	b.remove("filter.yml")
	b.expect("loaded R1 [G] R1.yml")
}
