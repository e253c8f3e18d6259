package matchtest

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A File is a rule of an archive as it was written.
type File struct {
	Path string
	Data []byte
}

// ErrNoArchive says that there is no archive of rules.
var ErrNoArchive = errors.New("no archive of rules")

// ReadArchive returns the rules of the one archive of public Sigma rules in a directory, in the order of their paths.
// Nothing is unpacked to disk: the rules have a licence of their own and stay outside of the repository.
func ReadArchive(dir string) ([]File, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.tar.gz"))
	if err != nil {
		return nil, fmt.Errorf("looking for rules: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoArchive, dir)
	}
	archive, err := os.Open(names[len(names)-1]) // the latest, if names have dates
	if err != nil {
		return nil, fmt.Errorf("reading rules: %w", err)
	}
	defer archive.Close() //nolint:errcheck // it was only read
	packed, err := gzip.NewReader(archive)
	if err != nil {
		return nil, fmt.Errorf("reading rules: %s: %w", archive.Name(), err)
	}
	var files []File
	for r := tar.NewReader(packed); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading rules: %s: %w", archive.Name(), err)
		}
		if path.Ext(h.Name) != ".yml" || strings.HasPrefix(path.Base(h.Name), ".") {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("reading rules: %s: %s: %w", archive.Name(), h.Name, err)
		}
		files = append(files, File{h.Name, data})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}
