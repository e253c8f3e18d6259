package lift

import (
	"strings"
	"testing"

	"ttpworker/internal/tagger"
)

// BenchmarkAppendTags is all lifters, with their defaults, on one event of a kind.
func BenchmarkAppendTags(b *testing.B) {
	tg := everything(b)
	for _, tt := range []struct{ name, kind, payload string }{
		{"session", "session", `{"command_text":"ls -la /var/www","bytes_out":4096,"request_count":3,"service":"ssh","target_host":"198.51.100.7","path":"/index.html"}`},
		{"session, fires", "session", `{"bytes_out":4096000,"request_count":3,"service":"http","target_host":"198.51.100.7","path":"/index.html"}`},
		{"http_request", "http_request", `{"method":"GET","raw_url":"/index.html?a=1","user_agent":"Mozilla/5.0 (X11; Linux x86_64)","headers":{"host":"www.example.net","accept":"*/*"},"path":"/index.html"}`},
		{"auth_attempt", "auth_attempt", `{"username":"root","password":"hunter2","fail_count":2,"password_count":2,"service":"ssh","result":"failure"}`},
		{"email", "email", `{"rcpt_count":2,"from":"Jane <jane@a.example>","mail_from":"jane@a.example","subject":"Minutes","body_text":"` +
			strings.Repeat("Dear all, here they are. ", 80) + `","urls":["https://a.example/"],"dkim_signed":true,"spf_pass":true}`},
		{"intel, fires", "intel", `{"abuseipdb_score":90,"abuseipdb_categories":[18,22],"greynoise_classification":"malicious","aggregate_verdict":"malicious"}`},
	} {
		b.Run(tt.name, func(b *testing.B) {
			ev := event(tt.kind, tt.payload)
			var dst []tagger.Tag
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = tg.AppendTags(dst[:0], ev)
			}
		})
	}
}
