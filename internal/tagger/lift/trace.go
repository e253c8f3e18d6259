package lift

import (
	"slices"

	"ttpworker/internal/tagger/payload"
)

// traceLifters are those about what a session has left behind: operations and signals.
func traceLifters() []lifter {
	return []lifter{
		{
			name: "behavioral_data_destruction", kinds: []string{"session"}, adds: []string{"matched_op"},
			finds: "the first of `op_text` and `command_text` is a text that one of `patterns` is found in; `matched_op` is that pattern",
			params: []param{patterns("patterns", []string{
				`FLUSHALL`, `DROP\s+DATABASE`, `TRUNCATE\s+TABLE`, `dropDatabase\(\)`, `DELETE\s+/_all`,
			}, "operations, the first that is found counts")},
			build: func(u *use) logic {
				known := u.patterns("patterns")
				return func(p *payload.Payload, f *finding) bool {
					text, _ := p.First("op_text", "command_text").Text()
					for _, re := range known {
						if re.MatchString(text) {
							f.show("matched_op", re.String())
							return true
						}
					}
					return false
				}
			},
		},
		{
			name: "behavioral_docker_escape", kinds: []string{"session"}, adds: []string{"matched_signal"},
			finds: "`signals` is a list that one of `escapes` is in; `matched_signal` is the first of them that is",
			params: []param{texts("escapes", []string{
				"privileged:true", "bind:/:/", "bind:/etc", "bind:/var/run/docker.sock",
			}, "whole signals, capitals count")},
			build: func(u *use) logic {
				known := u.texts("escapes")
				return func(p *payload.Payload, f *finding) bool {
					signals := textsOf(p.Get("signals"))
					at := slices.IndexFunc(known, func(signal string) bool { return slices.Contains(signals, signal) })
					if at >= 0 {
						f.show("matched_signal", known[at])
					}
					return at >= 0
				}
			},
		},
	}
}

// textsOf are the texts of a list, without what is something else in it.
func textsOf(v payload.Value) []string {
	var out []string
	items, _ := v.List()
	for _, item := range items {
		if text, is := item.Text(); is {
			out = append(out, text)
		}
	}
	return out
}
