package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// placeRules makes dir a copy of pack and reports true. If there is a directory already, it stays as it is,
// whatever is in it: the rules there are somebody's work. The copy appears whole or not at all.
func placeRules(dir string, pack fs.FS) (made bool, err error) {
	switch info, err := os.Stat(dir); {
	case err == nil && !info.IsDir():
		return false, fmt.Errorf("%s is no directory: name another one with --rules", dir)
	case err == nil:
		return false, nil
	case !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("looking for the rules: %w", err)
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil { //nolint:gosec // rules are no secret
		return false, fmt.Errorf("copying the rules: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, ".rules-*")
	if err != nil {
		return false, fmt.Errorf("copying the rules: %w", err)
	}
	err = os.CopyFS(tmp, pack)
	if err == nil {
		err = os.Chmod(tmp, 0o755) //nolint:gosec // rules are no secret
	}
	if err == nil {
		err = os.Rename(tmp, filepath.Clean(dir))
	}
	if err != nil {
		return false, errors.Join(fmt.Errorf("copying the rules: %w", err), os.RemoveAll(tmp))
	}
	return true, nil
}
