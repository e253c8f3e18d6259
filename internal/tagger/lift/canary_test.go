package lift

import "testing"

func TestCanaryLifters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lifter, parameters string
		fires, silent      []string
	}{
		{
			lifter: "canary_webdriver", fires: []string{`{"navigator_webdriver":true}`},
			silent: []string{`{"navigator_webdriver":false}`, `{"navigator_webdriver":"true"}`, `{"navigator_webdriver":1}`, `{"navigator_webdriver":[true]}`, `{}`},
		},
		{
			lifter: "canary_automation_hash",
			fires: []string{
				`{"canvas_audio_hash_match":"puppeteer"}`, `{"matched_tool":"curl_impersonate"}`, `{"canvas_audio_hash_match":"","matched_tool":"selenium"}`,
				`{"canvas_audio_hash_match":false,"matched_tool":"playwright"}`,
			},
			silent: []string{
				`{"canvas_audio_hash_match":"Puppeteer"}`, `{"canvas_audio_hash_match":"other","matched_tool":"selenium"}`, `{"canvas_audio_hash_match":true,"matched_tool":"selenium"}`,
				`{"matched_tool":["selenium"]}`, `{"matched_tool":""}`, `{}`,
			},
		},
		{
			lifter: "canary_automation_hash", parameters: "tools: []",
			fires: []string{`{"matched_tool":"other"}`}, silent: []string{`{"matched_tool":""}`, `{"matched_tool":true}`, `{}`},
		},
		{
			lifter: "canary_automation_hash", parameters: "tools: [other]",
			fires: []string{`{"matched_tool":"other"}`}, silent: []string{`{"matched_tool":"selenium"}`},
		},
		{
			lifter: "canary_webrtc_leak", fires: []string{`{"webrtc_geo_mismatch":true}`},
			silent: []string{`{"webrtc_geo_mismatch":false}`, `{"webrtc_geo_mismatch":"true"}`, `{"webrtc_geo_mismatch":1}`, `{}`},
		},
		{
			lifter: "canary_tz_lang_mismatch",
			fires: []string{
				`{"tz_mismatch_zones":3}`, `{"tz_mismatch_zones":4,"lang_country_mismatch":false}`, `{"lang_country_mismatch":true}`,
				`{"tz_mismatch_zones":2,"lang_country_mismatch":true}`, `{"tz_mismatch_zones":3.0,"lang_country_mismatch":true}`,
			},
			silent: []string{
				`{"tz_mismatch_zones":2}`, `{"tz_mismatch_zones":3.0}`, `{"tz_mismatch_zones":"3"}`, `{"tz_mismatch_zones":true}`, `{"tz_mismatch_zones":-3}`,
				`{"lang_country_mismatch":"true"}`, `{"lang_country_mismatch":1}`, `{}`,
			},
		},
		{
			lifter: "canary_tz_lang_mismatch", parameters: "min_zones: 6",
			fires: []string{`{"tz_mismatch_zones":6}`}, silent: []string{`{"tz_mismatch_zones":5}`},
		},
		{
			lifter: "canary_platform_inconsistency",
			fires:  []string{`{"platform_ua_inconsistent":true}`, `{"ua_webgl_mismatch":true}`, `{"platform_ua_inconsistent":null,"ua_webgl_mismatch":true}`},
			silent: []string{`{"platform_ua_inconsistent":"true","ua_webgl_mismatch":1}`, `{"platform_ua_inconsistent":false,"ua_webgl_mismatch":false}`, `{}`},
		},
	} {
		checkFires(t, tt.lifter, tt.parameters, tt.fires, tt.silent)
	}
}

func TestWhatCanaryLiftersAdd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ lifter, payload, metric, signature string }{
		{"canary_webdriver", `{"navigator_webdriver":true,"canvas_hash":"raw"}`, "navigator_webdriver", "navigator.webdriver_true"},
		{"canary_automation_hash", `{"matched_tool":"selenium"}`, "canvas_audio_hash", "selenium"},
		{"canary_webrtc_leak", `{"webrtc_geo_mismatch":true}`, "webrtc_geo_mismatch", "webrtc_private_vs_source_ip"},
		{"canary_tz_lang_mismatch", `{"tz_mismatch_zones":7,"lang_country_mismatch":true}`, "timezone_geo_mismatch", "tz_zones>=7"},
		{"canary_tz_lang_mismatch", `{"tz_mismatch_zones":2,"lang_country_mismatch":true}`, "language_country_mismatch", "lang_vs_source_country"},
		{"canary_platform_inconsistency", `{"platform_ua_inconsistent":true,"ua_webgl_mismatch":true}`, "platform_ua_mismatch", "navigator.platform_vs_userAgent"},
		{"canary_platform_inconsistency", `{"ua_webgl_mismatch":true}`, "ua_webgl_mismatch", "userAgent_vs_webgl_renderer"},
	} {
		checkAdds(t, tt.metric, tt.lifter, "", tt.payload, map[string]any{"metric": tt.metric, "matched_signature": tt.signature})
	}
}
