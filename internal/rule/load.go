package rule

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
)

// ListsName is the name of the directory of shared lists, where nothing else is said: in a rule directory or beside it.
const ListsName = "lists"

// Load reads every rule file below root of fsys, directories recursively, dot directories left out. prefix is put
// before the paths that rules and errors show. The directory lists in root has the shared lists. It returns the good
// rules sorted by id, with the Sigma filters that are there merged in, and, joined, the faults of all other files and
// directories in path order: a bad one does not hide a good one. Of two files with the same rule_id the first in path
// order is good.
func (p Parser) Load(fsys fs.FS, root, prefix string) ([]*Rule, error) {
	dir := path.Join(root, ListsName)
	lists, listErr := ReadLists(fsys, dir, filepath.Join(prefix, ListsName), p.MaxBytes, nil)
	files, err := p.Read(fsys, root, prefix, lists, dir)
	err = errors.Join(listErr, err)
	if len(files) == 0 {
		return nil, err
	}
	rules, _ := Resolve(files)
	return rules, err
}

// Read is Load before Resolve: filters are still files of their own. The directory except is not entered.
func (p Parser) Read(fsys fs.FS, root, prefix string, lists Lists, except string) ([]*Rule, error) {
	var rules []*Rule
	byKey := map[string]*Rule{}
	err := walkFiles(fsys, root, prefix, p.MaxBytes, except, func(path string, data []byte) error {
		r, _, err := p.ParseWith(lists, path, data)
		switch {
		case err != nil:
			return err
		case byKey[r.Key()] != nil:
			return Duplicate(r, byKey[r.Key()])
		}
		byKey[r.Key()] = r
		rules = append(rules, r)
		return nil
	})
	slices.SortFunc(rules, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	return rules, err
}

// walkFiles calls take with every file below root of fsys that has the name of a rule file, in path order, and joins
// what is wrong with files and directories. The directory except is not entered.
func walkFiles(fsys fs.FS, root, prefix string, maxBytes int, except string, take func(path string, data []byte) error) error {
	var errs []error
	show := func(name string) string { return shown(name, root, prefix) }
	err := fs.WalkDir(fsys, root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == root:
			return err
		case err != nil:
			errs = append(errs, &Error{File: show(name), Err: err})
			return nil //nolint:nilerr // reported at the end; the other directories are read
		case d.IsDir() && notEntered(name, root, except):
			return fs.SkipDir
		case d.IsDir() || !IsFileName(d.Name()):
			return nil
		}
		data, err := readFile(fsys, name, show(name), maxBytes)
		if err == nil {
			err = take(show(name), data)
		}
		if err != nil {
			errs = append(errs, err)
		}
		return nil
	})
	if err != nil {
		if at, ok := errors.AsType[*fs.PathError](err); ok {
			err = at.Err // the path is ".", which says nothing
		}
		return fmt.Errorf("reading rules: %s: %w", filepath.Clean(prefix), err)
	}
	return errors.Join(errs...)
}

func readFile(fsys fs.FS, name, shown string, maxBytes int) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, &Error{File: shown, Err: err}
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, &Error{File: shown, Err: fmt.Errorf("%s is no regular file", path.Base(name))}
	case info.Size() > int64(maxBytes):
		return nil, &Error{File: shown, Line: 1, Col: 1, Err: fmt.Errorf("file has %d bytes, more than the limit of %d", info.Size(), maxBytes)}
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, &Error{File: shown, Err: err}
	}
	return data, nil
}
