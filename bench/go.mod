module ttpworker/bench

go 1.26.0

require (
	github.com/markuskont/go-sigma-rule-engine v0.3.0
	gopkg.in/yaml.v2 v2.4.0
	gopkg.in/yaml.v3 v3.0.1
	ttpworker v0.0.0
)

require github.com/gobwas/glob v0.2.3 // indirect

replace ttpworker => ../
