package lift

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSenderLifters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lifter, parameters string
		fires, silent      []string
	}{
		{
			lifter: "email_open_relay",
			fires: []string{
				`{"rcpt_count":10,"from_domain":"a.example","mail_from_domain":"b.example"}`, `{"rcpt_count":11,"from":"x@a.example","mail_from":"x@b.example"}`,
				`{"rcpt_count":10,"from_domain":"x@a.example","mail_from_domain":"<y@sub.a.example>"}`,
				`{"rcpt_count":10,"from_domain":null,"from":"x@a.example","mail_from_domain":"","mail_from":"b.example"}`,
				`{"rcpt_count":10,"from_domain":"a.example","from":"x@b.example","mail_from_domain":"b.example"}`,
			},
			silent: []string{
				`{"rcpt_count":9,"from_domain":"a.example","mail_from_domain":"b.example"}`, `{"rcpt_count":10.0,"from_domain":"a.example","mail_from_domain":"b.example"}`,
				`{"rcpt_count":"10","from_domain":"a.example","mail_from_domain":"b.example"}`, `{"rcpt_count":true,"from_domain":"a.example","mail_from_domain":"b.example"}`,
				`{"from_domain":"a.example","mail_from_domain":"b.example"}`, `{"rcpt_count":10,"from_domain":"A.example.","mail_from_domain":"x@a.EXAMPLE"}`,
				`{"rcpt_count":10,"from_domain":"a.example"}`, `{"rcpt_count":10,"mail_from":"x@a.example"}`, `{"rcpt_count":10}`,
				`{"rcpt_count":10,"from_domain":"no domain","from":"x@a.example","mail_from":"x@b.example"}`,
				`{"rcpt_count":10,"from_domain":7,"from":"x@a.example","mail_from":"x@b.example"}`, `{"rcpt_count":10,"from_domain":["a.example"],"mail_from":"x@b.example"}`,
			},
		},
		{
			lifter: "email_open_relay", parameters: "rcpt_threshold: 3\nrequire_foreign_from: false",
			fires: []string{`{"rcpt_count":3}`, `{"rcpt_count":4,"from":"x@a.example","mail_from":"x@a.example"}`}, silent: []string{`{"rcpt_count":2}`, `{}`},
		},
		{
			lifter: "email_mass_phish",
			fires: []string{
				`{"rcpt_count":25,"body_simhash":"x"}`, `{"rcpt_count":26,"body_simhash":""}`, `{"rcpt_count":25,"body_simhash":0}`,
				`{"rcpt_count":25,"body_simhash":-12345678901234567890}`,
			},
			silent: []string{
				`{"rcpt_count":24,"body_simhash":"x"}`, `{"rcpt_count":25.0,"body_simhash":"x"}`, `{"rcpt_count":25}`, `{"rcpt_count":25,"body_simhash":null}`,
				`{"rcpt_count":25,"body_simhash":1.0}`, `{"rcpt_count":25,"body_simhash":true}`, `{"rcpt_count":25,"body_simhash":["x"]}`, `{"body_simhash":"x"}`,
			},
		},
		{
			lifter: "email_mass_phish", parameters: "rcpt_threshold: 2",
			fires: []string{`{"rcpt_count":2,"body_simhash":"x"}`}, silent: []string{`{"rcpt_count":1,"body_simhash":"x"}`},
		},
		{
			lifter: "email_xmailer_kit",
			fires: []string{
				`{"x_mailer":"m","matched_kit":"gophish"}`, `{"x_mailer":"m","matched_kit":"some kit"}`, `{"x_mailer":" ","xmailer_kit_match":true}`,
				`{"x_mailer":"m","matched_kit":7,"xmailer_kit_match":true}`, `{"x_mailer":"m","matched_kit":"k","xmailer_kit_match":false}`,
			},
			silent: []string{
				`{"matched_kit":"gophish","xmailer_kit_match":true}`, `{"x_mailer":"","matched_kit":"gophish"}`, `{"x_mailer":["m"],"matched_kit":"gophish"}`,
				`{"x_mailer":"gophish"}`, `{"x_mailer":"m","matched_kit":""}`, `{"x_mailer":"m","matched_kit":true}`, `{"x_mailer":"m","xmailer_kit_match":"true"}`,
				`{"x_mailer":"m","xmailer_kit_match":1}`, `{}`,
			},
		},
		{
			lifter: "email_sender_masquerade",
			fires: []string{
				`{"from_domain":"a.example","return_path_domain":"b.example"}`, `{"from":"X <x@a.example>","return_path_domain":"<x@b.example>"}`,
				`{"from":"x@a.example","mail_from":"x@b.example"}`, `{"dkim_signed":false}`, `{"spf_pass":false}`, `{"dkim_signed":false,"spf_pass":true}`,
			},
			silent: []string{
				`{"from":"x@a.example","return_path_domain":"a.example","mail_from":"y@A.EXAMPLE"}`, `{"dkim_signed":true,"spf_pass":true}`,
				`{"dkim_signed":null,"spf_pass":null}`, `{}`, `{"dkim_signed":0,"spf_pass":""}`, `{"dkim_signed":"false","spf_pass":"fail"}`,
				`{"from":"x@a.example","return_path_domain":""}`, `{"return_path_domain":"b.example","mail_from":"x@c.example"}`,
				`{"from":"x@a.example","return_path":"x@b.example"}`,
			},
		},
		{
			lifter: "email_sender_masquerade", parameters: "signals: [spf_fail]",
			fires: []string{`{"spf_pass":false}`}, silent: []string{`{"dkim_signed":false,"from":"x@a.example","mail_from":"x@b.example"}`},
		},
	} {
		checkFires(t, tt.lifter, tt.parameters, tt.fires, tt.silent)
	}
}

func TestWhatSenderLiftersAdd(t *testing.T) {
	t.Parallel()
	type added = map[string]any
	for _, tt := range []struct {
		name, lifter, parameters, payload string
		want                              added
	}{
		{
			name: "headers that differ", lifter: "email_open_relay", payload: `{"rcpt_count":10,"from":"x@a.example","mail_from":"x@b.example"}`,
			want: added{"matched_headers": []string{"From", "Mail-From"}},
		},
		{name: "no headers that do", lifter: "email_open_relay", parameters: "require_foreign_from: false", payload: `{"rcpt_count":10}`},
		{name: "nothing", lifter: "email_mass_phish", payload: `{"rcpt_count":25,"body_simhash":"x"}`},
		{
			name: "a kit as the rule writes it", lifter: "email_xmailer_kit", parameters: "kits: [Kit A, Kit B]", payload: `{"x_mailer":"m","matched_kit":"kit b"}`,
			want: added{"matched_kit": "Kit B", "matched_headers": []string{"X-Mailer"}},
		},
		{
			name: "a kit that is not listed", lifter: "email_xmailer_kit", payload: `{"x_mailer":"m","matched_kit":"gophish x","xmailer_kit_match":true}`,
			want: added{"matched_headers": []string{"X-Mailer"}},
		},
		{
			name: "all signals", lifter: "email_sender_masquerade",
			payload: `{"from":"x@a.example","return_path_domain":"b.example","mail_from":"x@c.example","dkim_signed":false,"spf_pass":false}`,
			want: added{
				"matched_signals": []string{"from_returnpath_mismatch", "from_mailfrom_mismatch", "dkim_fail", "spf_fail"},
				"matched_headers": []string{"Authentication-Results", "DKIM-Signature", "From", "Return-Path"},
			},
		},
		{
			name: "the envelope alone", lifter: "email_sender_masquerade", payload: `{"from":"x@a.example","mail_from":"x@c.example","dkim_signed":null}`,
			want: added{"matched_signals": []string{"from_mailfrom_mismatch"}, "matched_headers": []string{"From", "Return-Path"}},
		},
		{
			name: "in the order of the rule", lifter: "email_sender_masquerade", parameters: "signals: [spf_fail, dkim_fail]",
			payload: `{"dkim_signed":false,"spf_pass":false,"from":"x@a.example","mail_from":"x@c.example"}`,
			want:    added{"matched_signals": []string{"spf_fail", "dkim_fail"}, "matched_headers": []string{"Authentication-Results", "DKIM-Signature"}},
		},
	} {
		checkAdds(t, tt.name, tt.lifter, tt.parameters, tt.payload, tt.want)
	}
}

// checkAdds wants a lifter to fire on a payload and to add this for all tags.
func checkAdds(t *testing.T, name, lifter, parameters, payload string, want map[string]any) {
	t.Helper()
	f, fires := ask(t, compile(t, lifter, parameters), payload)
	if diff := cmp.Diff(want, f.extra); !fires || diff != "" {
		t.Errorf("%s: %s on %s fires %t, adds (-want +got):\n%s", name, lifter, payload, fires, diff)
	}
}
