package payload

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/match"
)

func TestDomain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"example.net", "example.net"},
		{" Mail.Example.NET. ", "mail.example.net"},
		{"user@example.net", "example.net"},
		{"<user@example.net>", "example.net"},
		{`"Doe, Jane" <jane.doe@example.net>`, "example.net"},
		{`"jane@example.org"@example.net`, "example.net"},
		{"Jane, Inc. <jane@example.net> (sales)", "example.net"},
		{"jane@example.net (Jane)", "example.net"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"B\u00dcCHER.example", "b\u00fccher.example"},
		{"a-b.c1.example", "a-b.c1.example"},
		{strings.Repeat("a", 63) + ".example", strings.Repeat("a", 63) + ".example"},
		{strings.Repeat("a", 64) + ".example", ""},
		{strings.Repeat("abcdefghi.", 25) + "com", strings.Repeat("abcdefghi.", 25) + "com"}, // 253 bytes
		{strings.Repeat("abcdefghi.", 25) + "info", ""},
		{"", ""},
		{"jane", ""},
		{"jane@localhost", ""},
		{"jane@", ""},
		{"@", ""},
		{"Jane Doe", ""},
		{"call jane at example.net", ""},
		{"jane@[192.0.2.1]", ""},
		{"192.0.2.1", ""},
		{"jane_doe.example", ""},
		{"-a.example", ""},
		{"a-.example", ""},
		{"a..example", ""},
		{".example", ""},
		{"example.net/jane", ""},
		{"example.net:25", ""},
		{"<jane@example.net", "example.net"},
		{"a<b>@example.net", ""},
		{"Jane <jane.doe>", ""},
		{"a<jane.doe>@example.net", ""},
		{"<example.net>", ""},
	} {
		if got := Domain(tt.text); got != tt.want {
			t.Errorf("Domain(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

const (
	sumOfHello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	otherSum   = "00000000000000000000000000000000000000000000000000000000000000aB"
)

func TestEvidenceOfAMail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, payload, want string }{
		{"nothing known", `{"subject":"secret","from":"jane@example.net"}`, `{}`},
		{"a body is hashed", `{"body_text":"hello"}`, `{"body_sha256":"` + sumOfHello + `"}`},
		{"escapes are undone before", `{"body_text":"he\u006clo","body_sha256":""}`, `{"body_sha256":"` + sumOfHello + `"}`},
		{"a hash that is there", `{"body_text":"hello","body_sha256":"` + otherSum + `"}`, `{"body_sha256":"` + strings.ToLower(otherSum) + `"}`},
		{"a hash that is none", `{"body_text":"hello","body_sha256":"secret"}`, `{"body_sha256":"` + sumOfHello + `"}`},
		{"one digit less", `{"body_sha256":"` + otherSum[1:] + `"}`, `{}`},
		{"a body that is no text", `{"body_text":["hello"],"body_sha256":7}`, `{}`},
		{"an empty body", `{"body_text":""}`, `{}`},
		{
			"domains, each once",
			`{"rcpt_domains":["B.example","jane@a.example","x <john@b.example>","secret",7,null,["c.example"],{"d.example":"d.example"}]}`,
			`{"rcpt_domain_set":["a.example","b.example"]}`,
		},
		{"domains that are no list", `{"rcpt_domains":"a.example"}`, `{}`},
		{"hashes of files", `{"attachment_sha256s":["secret","` + otherSum + `",7,"` + sumOfHello + `"]}`, `{"attachment_sha256s":["` + strings.ToLower(otherSum) + `","` + sumOfHello + `"]}`},
		{"a count", `{"rcpt_count":12}`, `{"rcpt_count":12}`},
		{"a count that is none", `{"rcpt_count":"12"}`, `{}`},
		{"a fraction", `{"rcpt_count":12.0}`, `{}`},
		{"more than is counted", `{"rcpt_count":123456789012345678901234567890}`, `{"rcpt_count":9223372036854775807}`},
	} {
		var p Payload
		if err := p.Read(match.NewScratch(), "email", []byte(tt.payload)); err != nil {
			t.Fatal(err)
		}
		asked := Paths([]string{"subject", "from", "body_text", "rcpt_domains", "rcpt_count"})
		if diff := cmp.Diff(tt.want, string(p.Evidence(asked, nil))); diff != "" {
			t.Errorf("%s: evidence (-want +got):\n%s", tt.name, diff)
		}
	}
}

// What a tagger adds is shown if its key is listed. It stands in place of nothing in the base, and the next payload has
// nothing of it.
func TestEvidenceOfAMailHasNothingElseThatIsAdded(t *testing.T) {
	t.Parallel()
	var p Payload
	s := match.NewScratch()
	if err := p.Read(s, "email", []byte(`{"rcpt_count":1}`)); err != nil {
		t.Fatal(err)
	}
	extra := map[string]any{"subject": "secret", "rcpt_count": "secret", "body_sha256": "secret", "matched_trigger": "iso"}
	if got, want := string(p.Evidence(nil, extra)), `{"matched_trigger":"iso","rcpt_count":1}`; got != want {
		t.Errorf("evidence = %s, want %s", got, want)
	}
	if got, want := string(p.Evidence(nil, nil)), `{"rcpt_count":1}`; got != want {
		t.Errorf("evidence of the next tag = %s, want %s", got, want)
	}
	if err := p.Read(s, "session", []byte(`{"rcpt_count":2,"subject":"shown"}`)); err != nil {
		t.Fatal(err)
	}
	if got, want := string(p.Evidence(Paths([]string{"subject"}), nil)), `{"subject":"shown"}`; got != want {
		t.Errorf("evidence of a session = %s, want %s", got, want)
	}
}
