package rule

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads every rule file below root of fsys, directories recursively, dot directories left out. prefix is put
// before the paths that rules and errors show. It returns the good rules sorted by id, with the Sigma filters that are
// there merged in, and, joined, the faults of all other files and directories in path order: a bad one does not hide a
// good one. Of two files with the same rule_id the first in path order is good.
func (p Parser) Load(fsys fs.FS, root, prefix string) ([]*Rule, error) {
	files, err := p.Read(fsys, root, prefix)
	if len(files) == 0 {
		return nil, err
	}
	rules, _ := Resolve(files)
	return rules, err
}

// Read is Load before Resolve: filters are still files of their own.
func (p Parser) Read(fsys fs.FS, root, prefix string) ([]*Rule, error) {
	var rules []*Rule
	var errs []error
	byKey := map[string]*Rule{}
	show := func(name string) string {
		return filepath.Join(prefix, filepath.FromSlash(strings.TrimPrefix(name, root+"/")))
	}
	err := fs.WalkDir(fsys, root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == root:
			return err
		case err != nil:
			errs = append(errs, &Error{File: show(name), Err: err})
			return nil //nolint:nilerr // reported at the end; the other directories are read
		case d.IsDir() && name != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || !IsFileName(d.Name()):
			return nil
		}
		r, err := p.loadFile(fsys, name, show(name))
		switch {
		case err != nil:
			errs = append(errs, err)
		case byKey[r.Key()] != nil:
			errs = append(errs, Duplicate(r, byKey[r.Key()]))
		default:
			byKey[r.Key()] = r
			rules = append(rules, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading rules: %w", err)
	}
	slices.SortFunc(rules, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	return rules, errors.Join(errs...)
}

func (p Parser) loadFile(fsys fs.FS, name, shown string) (*Rule, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, &Error{File: shown, Err: err}
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, &Error{File: shown, Err: fmt.Errorf("%s is no regular file", path.Base(name))}
	case info.Size() > int64(p.MaxBytes):
		return nil, &Error{File: shown, Line: 1, Col: 1, Err: fmt.Errorf("file has %d bytes, more than the limit of %d", info.Size(), p.MaxBytes)}
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, &Error{File: shown, Err: err}
	}
	return p.Parse(shown, data)
}
