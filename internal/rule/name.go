package rule

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	fileName  = regexp.MustCompile(`^[A-Za-z0-9_]+\.ya?ml$`)
	notInName = regexp.MustCompile(`[^A-Za-z0-9_]+`)
)

// IsFileName reports whether a file of this base name is a rule file. A worker neither reads nor mentions anything else in a
// rule directory (editor backups, hidden files, swap files, READMEs); of what PassedOver finds the commands for people warn.
func IsFileName(base string) bool { return fileName.MatchString(base) }

// PassedOver warns of each file below root of fsys, in path order, that ends in .yaml or .yml, in whatever capitals, and is
// no rule file by its name. Nothing is opened. Hidden files are left out, as are directories that Read does not enter;
// what of them cannot be read is for Read to say.
func PassedOver(fsys fs.FS, root, prefix, except string) []error {
	var warnings []error
	_ = fs.WalkDir(fsys, root, func(name string, d fs.DirEntry, err error) error {
		base := path.Base(name)
		stem, isYAML := cutYAML(base)
		switch {
		case err != nil:
			return nil //nolint:nilerr // Read says so
		case d.IsDir() && notEntered(name, root, except):
			return fs.SkipDir
		case d.IsDir() || !isYAML || strings.HasPrefix(base, ".") || IsFileName(base):
			return nil
		}
		warnings = append(warnings, &Error{
			File: shown(name, root, prefix), Name: PassedOverFile,
			Err: fmt.Errorf("passed over, since the name of a rule file or list is letters, digits and underscores and ends in .yaml or .yml: rename it to %s.yaml",
				notInName.ReplaceAllString(stem, "_")),
		})
		return nil
	})
	return warnings
}

// cutYAML returns a file name without its ending, if that is one of YAML in any capitals.
func cutYAML(base string) (stem string, isYAML bool) {
	ext := path.Ext(base)
	return strings.TrimSuffix(base, ext), strings.EqualFold(ext, ".yaml") || strings.EqualFold(ext, ".yml")
}

// notEntered reports whether a directory below root has no rule files: it is except, or hidden.
func notEntered(name, root, except string) bool {
	return name == except || name != root && strings.HasPrefix(path.Base(name), ".")
}

// shown is the path of a file below root as errors and rules show it.
func shown(name, root, prefix string) string {
	return filepath.Join(prefix, filepath.FromSlash(strings.TrimPrefix(name, root+"/")))
}
