package lift

import (
	"regexp"
	"strings"

	"ttpworker/internal/tagger/payload"
)

// ransomLifters are those about demands for money.
func ransomLifters() []lifter {
	return []lifter{{
		name: "behavioral_ransom_note", kinds: []string{"session", "email"}, adds: []string{"btc_address", "matched_keywords"},
		finds: "the first of `body_text` and `note_text` is a text that has one of `keywords` in it and, with `require_btc_or_xmr`, " +
			"an address of Bitcoin or Monero, which is shown as `btc_address`",
		params: []param{
			texts("keywords", []string{"bitcoin", "btc", "monero", "ransom", "decrypt"}, "words or parts of words, in any capitals"),
			truth("require_btc_or_xmr", true, "whether a word without an address is not enough"),
		},
		build: func(u *use) logic {
			require := u.truth("require_btc_or_xmr")
			known, folded := u.texts("keywords"), []string(nil)
			for _, keyword := range known {
				folded = append(folded, strings.ToLower(keyword))
			}
			addresses := newAddresses()
			return func(p *payload.Payload, f *finding) bool {
				text, _ := p.First("body_text", "note_text").Text()
				lower := strings.ToLower(text)
				var found []string
				for i, keyword := range folded {
					if strings.Contains(lower, keyword) {
						found = append(found, known[i])
					}
				}
				if len(found) == 0 {
					return false
				}
				address := addresses.find(text)
				if address == "" && require {
					return false
				}
				f.show("matched_keywords", found)
				if address != "" {
					f.show("btc_address", address)
				}
				return true
			}
		},
	}}
}

// addresses find where money is to go.
type addresses struct{ bitcoin, monero *regexp.Regexp }

// base58 is the alphabet of Bitcoin and Monero addresses: no 0, I, O and l.
const base58 = `[1-9A-HJ-NP-Za-km-z]`

// newAddresses knows Bitcoin's addresses of both forms, Base58Check that begins with 1 or 3 and Bech32 (BIP 173: no 1, b, i
// and o behind bc1), and Monero's standard ones, 95 characters.
func newAddresses() addresses {
	return addresses{
		bitcoin: regexp.MustCompile(`\b(?:[13]` + base58 + `{25,34}|bc1[02-9ac-hj-np-z]{11,71})\b`),
		monero:  regexp.MustCompile(`\b4[0-9AB]` + base58 + `{93}\b`),
	}
}

// find returns the first Bitcoin address of a text, else the first Monero address; "" = there is none.
func (a addresses) find(text string) string {
	if address := a.bitcoin.FindString(text); address != "" {
		return address
	}
	return a.monero.FindString(text)
}
