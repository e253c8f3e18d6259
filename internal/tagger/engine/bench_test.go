package engine_test

import (
	"fmt"
	"testing"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

const benignPayload = `{"command_text":"ls -la /var/www && tail -n 20 access.log","uid":1000,"user":"deploy","src":"192.0.2.7","pwd":"/home/deploy"}`

// engineOf has n rules of one kind, none of which matches benignPayload.
func engineOf(tb testing.TB, n int) *engine.Engine {
	tb.Helper()
	rules := make([]*rule.Rule, n)
	for i := range rules {
		rules[i] = ruleOf(tb, fmt.Sprintf("R%05d", i), fmt.Sprintf(`\bevil%d\s+(-\S+\s+)*/etc/`, i))
	}
	return engine.New(rules, allEnabled)
}

// BenchmarkAppendTags shows what a plain scan costs: time grows with the number of rules, allocations do not.
func BenchmarkAppendTags(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		e := engineOf(b, n)
		for name, payload := range map[string]string{"benign": benignPayload, "match": `{"command_text":"evil7 -x /etc/passwd"}`} {
			b.Run(fmt.Sprintf("rules=%d/%s", n, name), func(b *testing.B) {
				ev := event(payload)
				var dst []tagger.Tag
				b.ReportAllocs()
				for b.Loop() {
					dst, _ = e.AppendTags(dst[:0], ev)
				}
			})
		}
	}
}

// BenchmarkNew shows what a reload costs.
func BenchmarkNew(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		rules := make([]*rule.Rule, n)
		for i := range rules {
			rules[i] = ruleOf(b, fmt.Sprintf("R%05d", i), "evil")
		}
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				engine.New(rules, allEnabled)
			}
		})
	}
}
