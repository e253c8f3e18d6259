package lift

import (
	"slices"
	"strings"

	"ttpworker/internal/tagger/payload"
)

// senderLifters are those about who sends a mail, to how many and with what.
func senderLifters() []lifter {
	return []lifter{
		{
			name: "email_open_relay", kinds: []string{"email"}, adds: []string{"matched_headers"},
			finds: "`rcpt_count` is a whole number of at least `rcpt_threshold` and, with `require_foreign_from`, the domain of the first of `from_domain` " +
				"and `from` is another one than that of the first of `mail_from_domain` and `mail_from`",
			params: []param{
				count("rcpt_threshold", 10, "recipients"),
				truth("require_foreign_from", true, "whether many recipients are not enough"),
			},
			build: func(u *use) logic {
				least, require := u.count("rcpt_threshold"), u.truth("require_foreign_from")
				return func(p *payload.Payload, f *finding) bool {
					if !atLeast(p, "rcpt_count", least) {
						return false
					}
					foreign := differ(headerDomain(p), envelopeDomain(p))
					if foreign {
						f.show("matched_headers", []string{"From", "Mail-From"})
					}
					return foreign || !require
				}
			},
		},
		{
			name: "email_mass_phish", kinds: []string{"email"},
			finds: "`rcpt_count` is a whole number of at least `rcpt_threshold`, and `body_simhash` a text, also the empty one, or a whole number",
			params: []param{
				count("rcpt_threshold", 25, "recipients"), unusedWindow(),
			},
			build: func(u *use) logic {
				least := u.count("rcpt_threshold")
				return func(p *payload.Payload, _ *finding) bool {
					_, isText := p.Get("body_simhash").Text()
					_, isInt := p.Get("body_simhash").Int()
					return (isText || isInt) && atLeast(p, "rcpt_count", least)
				}
			},
		},
		mailerKit(),
		{
			name: "email_sender_masquerade", kinds: []string{"email"}, adds: []string{"matched_headers", "matched_signals"},
			finds: "one of `signals`: the domain of the first of `from_domain` and `from` is another one than that of `return_path_domain`, or than that of the " +
				"first of `mail_from_domain` and `mail_from`; `dkim_signed` is false; `spf_pass` is false; `matched_signals` are those that are so",
			params: []param{choices("signals", masqueradeSignals(), nil, "what counts, in the order in which it is shown")},
			build:  func(u *use) logic { return masquerade(u.texts("signals")) },
		},
	}
}

func mailerKit() lifter {
	return lifter{
		name: "email_xmailer_kit", kinds: []string{"email"}, adds: []string{"matched_headers", "matched_kit"},
		finds: "`x_mailer` is a text that is not empty, and `matched_kit` is one, too, or `xmailer_kit_match` is true; `matched_kit` is shown if it is one of " +
			"`kits`, as the rule writes it",
		params: []param{texts("kits", knownKits(), "names that may be shown, in any capitals")},
		build: func(u *use) logic {
			kits := u.texts("kits")
			return func(p *payload.Payload, f *finding) bool {
				kit, _ := p.Get("matched_kit").Text()
				if !isText(p, "x_mailer") || kit == "" && !p.Get("xmailer_kit_match").True() {
					return false
				}
				if at := slices.IndexFunc(kits, func(known string) bool { return strings.EqualFold(known, kit) }); at >= 0 {
					f.show("matched_kit", kits[at])
				}
				f.show("matched_headers", []string{"X-Mailer"})
				return true
			}
		},
	}
}

// knownKits are kits and services for phishing, by the names that reports on them use.
func knownKits() []string {
	return []string{
		"16shop", "bulletprooflink", "caffeine", "chalbhai", "evilginx", "evilproxy", "gophish", "greatness", "hiddeneye", "king phisher", "kr3pto",
		"leafmailer", "logokit", "mamba 2fa", "modlishka", "muraena", "nakedpages", "robin banks", "rockstar 2fa", "shellphish", "sneaky 2fa",
		"social-engineer toolkit", "socialfish", "tycoon 2fa", "u-admin", "w3ll", "xbalti", "zphisher",
	}
}

func masqueradeSignals() []string {
	return []string{"from_returnpath_mismatch", "from_mailfrom_mismatch", "dkim_fail", "spf_fail"}
}

// masquerade finds senders that pretend to be others by these signals. What is null or not there is unknown, and no signal.
func masquerade(signals []string) logic {
	return func(p *payload.Payload, f *finding) bool {
		var found, headers []string
		for _, signal := range signals {
			switch {
			case signal == "from_returnpath_mismatch" && differ(headerDomain(p), domainOf(p, "return_path_domain")),
				signal == "from_mailfrom_mismatch" && differ(headerDomain(p), envelopeDomain(p)):
				headers = append(headers, "From", "Return-Path")
			case signal == "dkim_fail" && p.Get("dkim_signed").False():
				headers = append(headers, "DKIM-Signature")
			case signal == "spf_fail" && p.Get("spf_pass").False():
				headers = append(headers, "Authentication-Results")
			default:
				continue
			}
			found = append(found, signal)
		}
		if len(found) == 0 {
			return false
		}
		slices.Sort(headers)
		f.show("matched_headers", slices.Compact(headers))
		f.show("matched_signals", found)
		return true
	}
}

// headerDomain is the domain that a mail says it is from.
func headerDomain(p *payload.Payload) string { return domainOf(p, "from_domain", "from") }

// envelopeDomain is the domain of the sender that the mail server was told.
func envelopeDomain(p *payload.Payload) string { return domainOf(p, "mail_from_domain", "mail_from") }

// domainOf is the domain of the first of these fields, which are addresses or domains; "" = it has none.
func domainOf(p *payload.Payload, names ...string) string {
	text, _ := p.First(names...).Text()
	return payload.Domain(text)
}

// differ reports whether two domains are known and not the same.
func differ(a, b string) bool { return a != "" && b != "" && a != b }
