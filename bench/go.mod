module ttpworker/bench

go 1.26.0

require (
	gopkg.in/yaml.v3 v3.0.1
	ttpworker v0.0.0
)

replace ttpworker => ../
