package rules_test

import (
	"testing"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
	"ttpworker/rules"
)

// BenchmarkRequests shows what the pack costs for one HTTP request, which is decoded first.
func BenchmarkRequests(b *testing.B) {
	pack, err := rule.NewParser(rule.DefaultMaxBytes).Load(rules.Pack(), ".", "rules/ttp")
	if err != nil {
		b.Fatal(err)
	}
	e := engine.New(pack, func(string) tagger.Standing { return tagger.DefaultStanding() })
	for name, payload := range map[string]string{
		"page":   `{"method":"GET","raw_url":"/blog/tags/firewall?page=2&sort=date","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0","headers":{"Accept":"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8","Accept-Language":"en-US,en;q=0.5","Cookie":"sid=4f1c2a; theme=dark; _ga=GA1.2.3","Referer":"https://www.example.net/blog/"}}`,
		"form":   `{"method":"POST","raw_url":"/comment","user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36","headers":{"Content-Type":"application/x-www-form-urlencoded"},"body":"id=4&text=The+file+that+you+need+is+on+the+server%3B+find+it+by+its+date+%28see+below%29%2C+or+ask+Ann.+It%27s+%22notes.txt%22+and+has+a+copy."}`,
		"attack": `{"method":"GET","raw_url":"/item?id=-1%27%20union/**/select+1,2,concat(0x7e,version())--%20","user_agent":"sqlmap/1.7","headers":{"Cookie":"c=;c'a't${IFS}/etc/passwd"}}`,
	} {
		b.Run(name, func(b *testing.B) {
			ev := tagger.TaggerEvent{SourceKind: "http_request", SourceID: "x", Payload: []byte(payload)}
			var dst []tagger.Tag
			b.ReportAllocs()
			for b.Loop() {
				if dst, err = e.AppendTags(dst[:0], &ev); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(dst)), "tags")
		})
	}
}
