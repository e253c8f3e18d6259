package lift

import (
	"slices"

	"ttpworker/internal/tagger/payload"
)

// unusedWindow is a parameter of lifters whose counts come from the sensor.
func unusedWindow() param {
	return count("window_minutes", 5, "the minutes that the sensor counts in; for readers, it changes no result")
}

// attemptLifters are those about logins that are tried: guessed, default and stolen credentials.
func attemptLifters() []lifter {
	return []lifter{
		{
			name: "credential_auth_brute_generic", kinds: []string{"auth_attempt"},
			finds:  "`fail_count` is a whole number of at least `fail_threshold`",
			params: []param{count("fail_threshold", 5, "failed attempts"), unusedWindow()},
			build: func(u *use) logic {
				least := u.count("fail_threshold")
				return func(p *payload.Payload, _ *finding) bool { return atLeast(p, "fail_count", least) }
			},
		},
		{
			name: "credential_password_guessing", kinds: []string{"auth_attempt"},
			finds:  "`password_count` is a whole number of at least `pw_threshold`, and `username` a text that is not empty",
			params: []param{count("pw_threshold", 5, "passwords tried for one user"), unusedWindow()},
			build: func(u *use) logic {
				least := u.count("pw_threshold")
				return func(p *payload.Payload, _ *finding) bool {
					return atLeast(p, "password_count", least) && isText(p, "username")
				}
			},
		},
		{
			name: "credential_valid_account_use", kinds: []string{"auth_attempt"},
			finds:  "`result` is the text `success`, and with `require_prior_brute` `prior_brute` is true",
			params: []param{truth("require_prior_brute", true, "whether only a login that guessing came before counts")},
			build: func(u *use) logic {
				require := u.truth("require_prior_brute")
				return func(p *payload.Payload, _ *finding) bool {
					result, _ := p.Get("result").Text()
					return result == "success" && (!require || p.Get("prior_brute").True())
				}
			},
		},
		{
			name: "credential_default_credentials", kinds: []string{"auth_attempt"},
			finds: "`username` and `password` are the texts of one of `pairs`",
			params: []param{pairs("pairs", [][]string{
				{"root", "root"}, {"admin", "admin"}, {"admin", "password"}, {"root", ""}, {"pi", "raspberry"},
			}, "user names with their passwords; capitals count")},
			build: func(u *use) logic {
				known := u.pairs("pairs")
				return func(p *payload.Payload, _ *finding) bool {
					user, isUser := p.Get("username").Text()
					password, isPassword := p.Get("password").Text()
					return isUser && isPassword && slices.ContainsFunc(known, func(pair []string) bool {
						return pair[0] == user && pair[1] == password
					})
				}
			},
		},
	}
}

// sharedLifters are those about credentials that are tried in more than one place.
func sharedLifters() []lifter {
	return []lifter{
		{
			name: "identity_password_spraying", kinds: []string{"identity"}, identity: true,
			finds:  "`account_count` is a whole number of at least `account_threshold`, and `shared_password_hash` a text that is not empty",
			params: []param{count("account_threshold", 1, "accounts tried with one password")},
			build: func(u *use) logic {
				least := u.count("account_threshold")
				return func(p *payload.Payload, _ *finding) bool {
					return atLeast(p, "account_count", least) && isText(p, "shared_password_hash")
				}
			},
		},
		{
			name: "credential_reuse", kinds: []string{"credential"},
			finds:  "`reuse_count` is a whole number of at least `reuse_threshold`, and `credential_hash` a text that is not empty",
			params: []param{count("reuse_threshold", 1, "uses after the first")},
			build: func(u *use) logic {
				least := u.count("reuse_threshold")
				return func(p *payload.Payload, _ *finding) bool {
					return atLeast(p, "reuse_count", least) && isText(p, "credential_hash")
				}
			},
		},
	}
}

// atLeast reports whether a field is a whole number that is not less than least.
func atLeast(p *payload.Payload, name string, least int64) bool {
	n, is := p.Get(name).Int()
	return is && n >= least
}

// isText reports whether a field is a text that is not empty.
func isText(p *payload.Payload, name string) bool {
	text, _ := p.Get(name).Text()
	return text != ""
}
