// Package rules holds the rules that come with the worker. They are ordinary rule files: ttp is a directory to
// point rule_store.dir at, and the same files are in the binary for where there is no checkout.
package rules

import (
	"embed"
	"io/fs"
)

//go:embed ttp
var files embed.FS

// Pack is the embedded rule directory.
func Pack() fs.FS {
	pack, err := fs.Sub(files, "ttp")
	if err != nil {
		panic("rules: ttp is embedded: " + err.Error())
	}
	return pack
}
