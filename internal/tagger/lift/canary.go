package lift

import (
	"fmt"
	"slices"

	"ttpworker/internal/tagger/payload"
)

// A trait is what gives a browser away, as its tag shows it: of the fingerprint itself nothing leaves.
type trait struct{ metric, signature string }

// canaryLifters are those about browsers that came to a canary.
func canaryLifters() []lifter {
	kinds, adds := []string{"canary_fingerprint"}, []string{"metric", "matched_signature"}
	return []lifter{
		{
			name: "canary_webdriver", kinds: kinds, adds: adds,
			finds: "`navigator_webdriver` is true",
			build: func(*use) logic {
				return trueField("navigator_webdriver", trait{"navigator_webdriver", "navigator.webdriver_true"})
			},
		},
		{
			name: "canary_automation_hash", kinds: kinds, adds: adds,
			finds: "the first of `canvas_audio_hash_match` and `matched_tool` is a text that is one of `tools`; it is the signature",
			params: []param{orNone(texts("tools", []string{"puppeteer", "playwright", "selenium", "curl_impersonate"},
				"names of tools, capitals count; an empty list means any"))},
			build: func(u *use) logic {
				tools := u.texts("tools")
				return func(p *payload.Payload, f *finding) bool {
					tool, is := p.First("canvas_audio_hash_match", "matched_tool").Text()
					if !is || len(tools) > 0 && !slices.Contains(tools, tool) {
						return false
					}
					f.trait(trait{"canvas_audio_hash", tool})
					return true
				}
			},
		},
		{
			name: "canary_webrtc_leak", kinds: kinds, adds: adds,
			finds: "`webrtc_geo_mismatch` is true",
			build: func(*use) logic {
				return trueField("webrtc_geo_mismatch", trait{"webrtc_geo_mismatch", "webrtc_private_vs_source_ip"})
			},
		},
		{
			name: "canary_tz_lang_mismatch", kinds: kinds, adds: adds,
			finds:  "`tz_mismatch_zones` is a whole number of at least `min_zones`, or else `lang_country_mismatch` is true",
			params: []param{count("min_zones", 3, "time zones between browser and address")},
			build: func(u *use) logic {
				least := u.count("min_zones")
				language := trueField("lang_country_mismatch", trait{"language_country_mismatch", "lang_vs_source_country"})
				return func(p *payload.Payload, f *finding) bool {
					zones, is := p.Get("tz_mismatch_zones").Int()
					if !is || zones < least {
						return language(p, f)
					}
					f.trait(trait{"timezone_geo_mismatch", fmt.Sprintf("tz_zones>=%d", zones)})
					return true
				}
			},
		},
		{
			name: "canary_platform_inconsistency", kinds: kinds, adds: adds,
			finds: "`platform_ua_inconsistent` is true, or else `ua_webgl_mismatch` is",
			build: func(*use) logic {
				platform := trueField("platform_ua_inconsistent", trait{"platform_ua_mismatch", "navigator.platform_vs_userAgent"})
				renderer := trueField("ua_webgl_mismatch", trait{"ua_webgl_mismatch", "userAgent_vs_webgl_renderer"})
				return func(p *payload.Payload, f *finding) bool { return platform(p, f) || renderer(p, f) }
			},
		},
	}
}

// trueField finds a field that is true, and shows it as a trait.
func trueField(name string, shown trait) logic {
	return func(p *payload.Payload, f *finding) bool {
		if !p.Get(name).True() {
			return false
		}
		f.trait(shown)
		return true
	}
}

func (f *finding) trait(t trait) {
	f.show("metric", t.metric)
	f.show("matched_signature", t.signature)
}
