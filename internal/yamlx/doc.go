// Package yamlx reads YAML strictly and says where things stand: it is the only home of yaml.v3, which can tell
// unknown keys by line but not by column, and forgets positions once it has decoded. Rule files and the
// configuration go through it. It knows nothing of either.
package yamlx
