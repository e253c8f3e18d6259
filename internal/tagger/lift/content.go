package lift

import (
	"net/netip"
	"slices"
	"strings"

	"ttpworker/internal/tagger/payload"
)

// contentLifters are those about what is in a mail: links, attachments, words, Base64.
func contentLifters() []lifter {
	return []lifter{
		encodedPayload(),
		{
			name: "email_idn_url", kinds: []string{"email"}, adds: []string{"matched_headers", "matched_url_host"},
			finds: "`urls` is a list that has a text with `punycode_prefix` in it, in any capitals; `matched_url_host` is the host of the first of them, empty " +
				"where it has none",
			params: []param{text("punycode_prefix", "xn--", "what begins the labels of international names")},
			build: func(u *use) logic {
				prefix := strings.ToLower(u.text("punycode_prefix"))
				return func(p *payload.Payload, f *finding) bool {
					urls := textsOf(p.Get("urls"))
					at := slices.IndexFunc(urls, func(url string) bool { return strings.Contains(strings.ToLower(url), prefix) })
					if at < 0 {
						return false
					}
					f.show("matched_url_host", hostOf(urls[at]))
					f.show("matched_headers", []string{"body"})
					return true
				}
			},
		},
		{
			name: "email_malicious_attachment", kinds: []string{"email"}, adds: []string{"matched_trigger"},
			finds: "one of `triggers`, which is shown as `matched_trigger`: `office_macro`, `attachment_macros` is true; `protected_archive`, " +
				"`attachment_password_protected` is true; `html_smuggling` or `mal_hash_match`, the field of that name is true; and behind these in the order " +
				"of the rule any other, which is the extension of a file: `attachment_extensions` is a list that it is in, in any capitals, with or without dots in front",
			params: []param{choices("triggers", []string{
				"office_macro", "lnk", "iso", "img", "protected_archive", "html_smuggling", "mal_hash_match",
			}, isExtension, "what counts, other extensions, such as `vhd`, too")},
			build: func(u *use) logic { return attachment(u.texts("triggers")) },
		},
		{
			name: "email_bec", kinds: []string{"email"}, adds: []string{"matched_headers", "matched_subject_kw", "matched_body_kw"},
			finds: "`subject` and `body_text` are texts that have one of `subject_keywords` and one of `body_keywords` in them; the first of each list is shown",
			params: []param{
				texts("subject_keywords", []string{"urgent", "wire", "invoice", "payroll", "gift card"}, "words or parts of words, in any capitals"),
				texts("body_keywords", []string{"send", "transfer", "update banking", "confidential"}, "as above"),
			},
			build: func(u *use) logic {
				ofSubject, ofBody := newKeywords(u.texts("subject_keywords")), newKeywords(u.texts("body_keywords"))
				return func(p *payload.Payload, f *finding) bool {
					subject, _ := p.Get("subject").Text()
					one := ofSubject.first(subject)
					if one == "" {
						return false
					}
					body, _ := p.Get("body_text").Text()
					other := ofBody.first(body)
					if other == "" {
						return false
					}
					f.show("matched_subject_kw", one)
					f.show("matched_body_kw", other)
					f.show("matched_headers", []string{"Subject"})
					return true
				}
			},
		},
	}
}

// A flagged is a trigger that is a field of the payload.
type flagged struct{ trigger, field string }

// flaggedTriggers are in the order in which they are asked, before extensions.
func flaggedTriggers() []flagged {
	return []flagged{
		{"office_macro", "attachment_macros"},
		{"protected_archive", "attachment_password_protected"},
		{"html_smuggling", "html_smuggling"},
		{"mal_hash_match", "mal_hash_match"},
	}
}

const lettersAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789"

// isExtension reports whether a text can be the extension of a file as triggers name it, which no flagged trigger can be.
func isExtension(text string) bool {
	return text != "" && strings.Trim(text, lettersAndDigits) == ""
}

func attachment(triggers []string) logic {
	asked := slices.DeleteFunc(flaggedTriggers(), func(t flagged) bool { return !slices.Contains(triggers, t.trigger) })
	extensions := slices.DeleteFunc(slices.Clone(triggers), func(t string) bool { return !isExtension(t) })
	return func(p *payload.Payload, f *finding) bool {
		for _, t := range asked {
			if p.Get(t.field).True() {
				f.show("matched_trigger", t.trigger)
				return true
			}
		}
		found := textsOf(p.Get("attachment_extensions"))
		for i := range found {
			found[i] = strings.ToLower(strings.TrimLeft(found[i], "."))
		}
		at := slices.IndexFunc(extensions, func(extension string) bool { return slices.Contains(found, extension) })
		if at >= 0 {
			f.show("matched_trigger", extensions[at])
		}
		return at >= 0
	}
}

// keywords are parts of texts that are looked for in any capitals.
type keywords struct{ written, folded []string }

func newKeywords(written []string) keywords {
	k := keywords{written: written}
	for _, keyword := range written {
		k.folded = append(k.folded, strings.ToLower(keyword))
	}
	return k
}

// first is the first keyword of the list that is in a text, as it is written in the list; "" = none is.
func (k keywords) first(text string) string {
	text = strings.ToLower(text)
	for i, keyword := range k.folded {
		if strings.Contains(text, keyword) {
			return k.written[i]
		}
	}
	return ""
}

// hostOf is the host of a URL in small letters, a name or an IPv4 address, and nothing else of it: no user, password, port,
// path, query or fragment. Without a scheme the URL begins with the host, which then has a dot in it. "" = there is none.
func hostOf(url string) string {
	url = strings.TrimSpace(url)
	scheme, rest, has := strings.Cut(url, "://")
	if has = has && scheme != "" && strings.Trim(strings.ToLower(scheme), lettersAndDigits+"+-.") == ""; !has { // RFC 3986, 3.1
		rest = strings.TrimPrefix(url, "//")
	}
	if end := strings.IndexAny(rest, `/\?#`); end >= 0 { // browsers take a backslash for a slash
		rest = rest[:end]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	host, _, _ := strings.Cut(rest, ":")
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if payload.IsHost(host) && (has || strings.Contains(host, ".")) {
		return host
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is4() {
		return host
	}
	return ""
}
