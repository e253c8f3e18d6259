package lift

import "testing"

func TestContentLifters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lifter, parameters string
		fires, silent      []string
	}{
		{
			lifter: "email_idn_url",
			fires: []string{
				`{"urls":["http://xn--a.example"]}`, `{"urls":["HTTP://XN--A.EXAMPLE"]}`, `{"urls":["Xn--a.example/b"]}`, `{"urls":["http://a.example",null,7,"sub.xn--a.example"]}`,
				`{"urls":["http:\/\/\u0078n--a.example"]}`, `{"urls":["http://a.example/?u=xn--b.example"]}`,
			},
			silent: []string{
				`{"urls":["http://xn-a.example","http://x--n.example"]}`, `{"urls":[["http://xn--a.example"]]}`, `{"urls":"http://xn--a.example"}`,
				`{"urls":{"a":"http://xn--a.example"}}`, `{"urls":[]}`, `{"body_text":"http://xn--a.example"}`, `{}`,
			},
		},
		{lifter: "email_idn_url", parameters: "punycode_prefix: ZQ--", fires: []string{`{"urls":["zq--a.example"]}`}, silent: []string{`{"urls":["xn--a.example"]}`}},
		{
			lifter: "email_malicious_attachment",
			fires: []string{
				`{"attachment_macros":true}`, `{"attachment_password_protected":true}`, `{"html_smuggling":true}`, `{"mal_hash_match":true}`,
				`{"attachment_extensions":["lnk"]}`, `{"attachment_extensions":["pdf",7,".Iso"]}`, `{"attachment_extensions":["...IMG"],"attachment_macros":null}`,
			},
			silent: []string{
				`{"attachment_macros":"true","html_smuggling":1,"mal_hash_match":[true],"attachment_password_protected":false}`, `{"attachment_extensions":"iso"}`,
				`{"attachment_extensions":["iso.pdf","is","isos","docm","vhd",["iso"]]}`, `{"attachment_extensions":["iso."]}`, `{"office_macro":true}`, `{}`,
			},
		},
		{
			lifter: "email_malicious_attachment", parameters: "triggers: [vhd, html_smuggling]",
			fires:  []string{`{"attachment_extensions":["VHD"]}`, `{"html_smuggling":true}`},
			silent: []string{`{"attachment_macros":true,"mal_hash_match":true,"attachment_extensions":["iso","html_smuggling"]}`},
		},
		{
			lifter: "email_bec",
			fires: []string{
				`{"subject":"urgent","body_text":"send"}`, `{"subject":"Your GIFT CARDs","body_text":"it is CONFIDENTIAL"}`, `{"subject":"wired","body_text":"sender"}`,
				`{"subject":"payroll","body_text":"Update Banking"}`,
			},
			silent: []string{
				`{"subject":"urgent"}`, `{"body_text":"send"}`, `{"subject":"urgent","body_text":""}`, `{"subject":"","body_text":"send"}`, `{"subject":"hello","body_text":"send"}`,
				`{"subject":"urgent","body_text":"hello"}`, `{"subject":"gift  card","body_text":"send"}`, `{"subject":["urgent"],"body_text":"send"}`,
				`{"subject":"urgent","body_text":{"a":"send"}}`, `{"subject":"urgent","note_text":"send"}`,
			},
		},
		{
			lifter: "email_bec", parameters: "subject_keywords: [Rechnung]\nbody_keywords: [\u00dcBERWEIS]",
			fires: []string{`{"subject":"rechnung 7","body_text":"Bitte \u00fcberweisen"}`}, silent: []string{`{"subject":"urgent","body_text":"send"}`},
		},
	} {
		checkFires(t, tt.lifter, tt.parameters, tt.fires, tt.silent)
	}
}

func TestWhatContentLiftersAdd(t *testing.T) {
	t.Parallel()
	type added = map[string]any
	for _, tt := range []struct {
		name, lifter, parameters, payload string
		want                              added
	}{
		{
			name: "the first link", lifter: "email_idn_url", payload: `{"urls":["http://a.example/","https://u@WWW.xn--A.example:8443/b?c#d","xn--b.example"]}`,
			want: added{"matched_url_host": "www.xn--a.example", "matched_headers": []string{"body"}},
		},
		{
			name: "no host", lifter: "email_idn_url", payload: `{"urls":["see xn--a.example there"]}`,
			want: added{"matched_url_host": "", "matched_headers": []string{"body"}},
		},
		{
			name: "flags before extensions", lifter: "email_malicious_attachment", payload: `{"mal_hash_match":true,"html_smuggling":true,"attachment_extensions":["lnk"]}`,
			want: added{"matched_trigger": "html_smuggling"},
		},
		{
			name: "macros before all", lifter: "email_malicious_attachment", parameters: "triggers: [mal_hash_match, protected_archive, office_macro]",
			payload: `{"mal_hash_match":true,"attachment_password_protected":true,"attachment_macros":true}`, want: added{"matched_trigger": "office_macro"},
		},
		{
			name: "extensions in the order of the rule", lifter: "email_malicious_attachment", payload: `{"attachment_extensions":["img",".ISO"]}`,
			want: added{"matched_trigger": "iso"},
		},
		{
			name: "words in the order of the lists", lifter: "email_bec", payload: `{"subject":"Invoice, URGENT","body_text":"Confidential: transfer"}`,
			want: added{"matched_subject_kw": "urgent", "matched_body_kw": "transfer", "matched_headers": []string{"Subject"}},
		},
		{
			name: "words as the rule writes them", lifter: "email_bec", parameters: "subject_keywords: [Gift Card]", payload: `{"subject":"GIFT CARD","body_text":"SEND"}`,
			want: added{"matched_subject_kw": "Gift Card", "matched_body_kw": "send", "matched_headers": []string{"Subject"}},
		},
	} {
		checkAdds(t, tt.name, tt.lifter, tt.parameters, tt.payload, tt.want)
	}
}

func TestHostOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, want string }{
		{"http://xn--a.example", "xn--a.example"},
		{"HTTPS://XN--A.Example./b", "xn--a.example"},
		{"http://xn--a", "xn--a"},
		{"ftp://xn--a.example/b", "xn--a.example"},
		{" //xn--a.example/b ", "xn--a.example"},
		{"xn--a.example", "xn--a.example"},
		{"xn--a.example/b", "xn--a.example"},
		{"xn--a.example:8080", "xn--a.example"},
		{"user:secret@xn--a.example", "xn--a.example"},
		{"http://user:secret@xn--a.example:80/", "xn--a.example"},
		{"http://a@b@xn--a.example", "xn--a.example"},
		{"http://xn--a.example/jane@b.example", "xn--a.example"},
		{"http://xn--a.example?q=jane@b.example", "xn--a.example"},
		{"http://xn--a.example#jane@b.example", "xn--a.example"},
		{`http://xn--a.example\@b.example`, "xn--a.example"},
		{"a.example/?u=http://xn--a.example", "a.example"},
		{"mailto:jane@xn--a.example", "xn--a.example"},
		{"http://203.0.113.7/xn--a", "203.0.113.7"},
		{"http://[2001:db8::1%25secret]/xn--a", ""},
		{"http:///xn--a", ""},
		{"http://", ""},
		{"", ""},
		{"xn--a", ""},
		{"see xn--a.example", ""},
		{"http://see xn--a.example/", ""},
		{"http://se_cret.example/xn--a", ""},
		{"javascript:alert('xn--')", ""},
	} {
		if got := hostOf(tt.url); got != tt.want {
			t.Errorf("hostOf(%q) = %q, want %q", tt.url, got, tt.want)
		}
	}
}

func TestChoicesAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ lifter, parameters, want string }{
		{
			"email_sender_masquerade", "signals: [dkim_fail, spf_fial]",
			`2:24: want one of from_returnpath_mismatch, from_mailfrom_mismatch, dkim_fail, spf_fail, got "spf_fial"`,
		},
		{"email_sender_masquerade", "signals: [dkim_fail, spf_fail, dkim_fail]", `2:34: "dkim_fail" is named twice`},
		{
			"email_malicious_attachment", "triggers: [office_macros]",
			`2:14: want one of office_macro, lnk, iso, img, protected_archive, html_smuggling, mal_hash_match, got "office_macros"`,
		},
		{"email_idn_url", "punycode_prefix: ''", `2:20: want a text that is not empty, got ""`},
		{"email_xmailer_kit", "kits: []", "2:9: want a list of texts, got an empty list"},
	} {
		_, err := Compile(useOf(t, tt.lifter, tt.parameters, "email"))
		if got := faults(t, err); len(got) != 1 || got[0] != tt.want {
			t.Errorf("faults of %s {%s} = %q, want %q", tt.lifter, tt.parameters, got, tt.want)
		}
	}
}
