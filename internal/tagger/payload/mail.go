package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// mailKind is the source kind of mails, whose payloads are personal data.
const mailKind = "email"

// baseOfMail lists what the evidence of every tag about a mail has, as far as the mail has it.
func baseOfMail() []string {
	return []string{"body_sha256", "rcpt_domain_set", "attachment_sha256s", "rcpt_count"}
}

// addedToMail lists what taggers may add to that. They must make it of what a rule or their code says (words of lists, names
// of headers, counts), or of the host of a URL and nothing else of it, or of the address of a purse.
func addedToMail() []string {
	return []string{
		"matched_headers", "matched_kit", "matched_trigger", "matched_url_host", "matched_signals", "matched_subject_kw", "matched_body_kw",
		"encoded_byte_count", "btc_address",
	}
}

// MailKeys lists all keys that the evidence of tags about mails may have.
func MailKeys() []string { return append(baseOfMail(), addedToMail()...) }

// ofMail is the evidence of a tag about the mail at hand: of extra what may be shown, and the base of all.
func (p *Payload) ofMail(extra map[string]any) map[string]any {
	out := maps.Clone(p.mailBase())
	added := addedToMail()
	for key, value := range extra {
		if slices.Contains(added, key) {
			out[key] = value
		}
	}
	return out
}

// mailBase is the evidence that all tags about the mail at hand have: hashes, domains and a count, each of which is checked
// to be one. What is not there, or something else, is left out.
func (p *Payload) mailBase() map[string]any {
	if p.base != nil {
		return p.base
	}
	p.base = map[string]any{}
	if sum := p.bodySum(); sum != "" {
		p.base["body_sha256"] = sum
	}
	if sums := collect(p.Get("attachment_sha256s"), sha256Of); len(sums) > 0 {
		p.base["attachment_sha256s"] = sums
	}
	if domains := collect(p.Get("rcpt_domains"), Domain); len(domains) > 0 {
		slices.Sort(domains)
		p.base["rcpt_domain_set"] = slices.Compact(domains)
	}
	if n, is := p.Get("rcpt_count").Int(); is {
		p.base["rcpt_count"] = n
	}
	return p.base
}

// bodySum is the hash of the body that the payload has, or else that of its body; "" = there is neither.
func (p *Payload) bodySum() string {
	given, _ := p.Get("body_sha256").Text()
	if sum := sha256Of(given); sum != "" {
		return sum
	}
	body, _ := p.Get("body_text").Text()
	if body == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// collect returns what of gives for the texts of a list, without empty texts.
func collect(list Value, of func(text string) string) []string {
	var out []string
	items, _ := list.List()
	for _, item := range items {
		text, _ := item.Text()
		if found := of(text); found != "" {
			out = append(out, found)
		}
	}
	return out
}

// sha256Of is a text that is a SHA-256 in hexadecimal, in small letters; "" for any other.
func sha256Of(text string) string {
	if sum, err := hex.DecodeString(text); err != nil || len(sum) != sha256.Size {
		return ""
	}
	return strings.ToLower(text)
}

// Domain is the domain of a mail address, or of a text that is a domain, in small letters; "" for anything else. An address
// may stand in angle brackets behind a name; what stands there without an @ is a user of the mail server, and no domain.
func Domain(text string) string {
	text = strings.TrimSpace(text)
	if at := strings.LastIndexByte(text, '<'); at >= 0 {
		text, _, _ = strings.Cut(text[at+1:], ">")
		if !strings.Contains(text, "@") {
			return ""
		}
	}
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		text = text[at+1:]
		if end := strings.IndexAny(text, " \t("); end >= 0 { // a comment follows
			text = text[:end]
		}
	}
	text = strings.ToLower(strings.TrimSuffix(text, "."))
	if !strings.Contains(text, ".") || !IsHost(text) {
		return ""
	}
	return text
}

// IsHost reports whether a text can be the name of a host: RFC 1123, 2.1, with letters of any script, and a last label that
// is no number. A name of one label is one.
func IsHost(text string) bool {
	const maxName, maxLabel = 253, 63 // bytes
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return len(text) <= maxName && strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

func notInLabel(r rune) bool {
	return r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}
