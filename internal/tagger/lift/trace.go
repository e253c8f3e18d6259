package lift

import (
	"slices"
	"strings"

	"ttpworker/internal/tagger/payload"
)

// traceLifters are those about the texts that a session has left: operations, paths, signals.
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
			name: "behavioral_credentials_in_files", kinds: []string{"session", "http_request"}, adds: []string{"matched_path"},
			finds: "the first of `matched_path`, `request_path` and `path` is a text that one of `files` is in; `matched_path` is that text",
			params: []param{texts("files", []string{
				".env", ".git/config", ".aws/credentials", ".ssh/id_rsa", "wp-config.php",
			}, "parts of paths, capitals count")},
			build: func(u *use) logic {
				known := u.texts("files")
				return onPath(func(path string) bool {
					return slices.ContainsFunc(known, func(file string) bool { return strings.Contains(path, file) })
				})
			},
		},
		{
			name: "behavioral_k8s_sa_token", kinds: []string{"session", "http_request"}, adds: []string{"matched_path"},
			finds: "the first of `matched_path`, `request_path` and `path` is a text that one of `patterns` is found in; `matched_path` is that text",
			params: []param{patterns("patterns", []string{
				`/api/v1/namespaces/[^/]+/secrets`, `/var/run/secrets/kubernetes\.io/serviceaccount`,
			}, "paths")},
			build: func(u *use) logic {
				known := u.patterns("patterns")
				return onPath(func(path string) bool {
					for _, re := range known {
						if re.MatchString(path) {
							return true
						}
					}
					return false
				})
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

// onPath is a logic that is about the path of a request or a file, and shows it.
func onPath(found func(path string) bool) logic {
	return func(p *payload.Payload, f *finding) bool {
		path, is := p.First("matched_path", "request_path", "path").Text()
		if !is || !found(path) {
			return false
		}
		f.show("matched_path", path)
		return true
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
