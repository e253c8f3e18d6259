// Package rules holds the rules that come with the worker. They are ordinary files: ttp is a directory to point
// rule_store.dir at, lists has the shared lists that they use, and the same files are in the binary for where there is
// no checkout.
package rules

import (
	"embed"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed ttp lists
var files embed.FS

// Pack is the embedded rule directory, with its shared lists in the directory lists.
func Pack() fs.FS { return pack{} }

const (
	ttp   = "ttp"
	lists = "lists"
)

// pack is the directory ttp with lists in it.
type pack struct{}

func (pack) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	in := path.Join(ttp, name)
	if name == lists || strings.HasPrefix(name, lists+"/") {
		in = name
	}
	f, err := files.Open(in)
	if err != nil || name != "." {
		return f, err
	}
	entries, err := files.ReadDir(ttp)
	if err != nil {
		return nil, err
	}
	all, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	entries = append(entries, slices.DeleteFunc(all, func(e fs.DirEntry) bool { return e.Name() != lists })...)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return &top{f, entries}, nil
}

// top is the root of pack.
type top struct {
	fs.File

	entries []fs.DirEntry // still to read
}

// ReadDir implements fs.ReadDirFile.
func (t *top) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(t.entries)
	} else if len(t.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(t.entries))
	read := t.entries[:n:n]
	t.entries = t.entries[n:]
	return read, nil
}
