package lift

import (
	"slices"
	"strings"

	"ttpworker/internal/tagger/payload"
)

// pathLifters are those about what is asked for, over the web or in a session.
func pathLifters() []lifter {
	return []lifter{
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
