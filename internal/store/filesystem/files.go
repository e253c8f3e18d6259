package filesystem

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
)

// maxLinks bounds the symbolic links of one path, as the kernel does (path_resolution(7)).
const maxLinks = 40

// files are the file operations of the store: it has no others besides inotify's watches, so a test can count them.
type files struct {
	ops atomic.Int64
}

func (f *files) lstat(path string) (fs.FileInfo, error) {
	f.ops.Add(1)
	return os.Lstat(path)
}

func (f *files) stat(path string) (fs.FileInfo, error) {
	f.ops.Add(1)
	return os.Stat(path)
}

func (f *files) readDir(path string) ([]fs.DirEntry, error) {
	f.ops.Add(1)
	return os.ReadDir(path)
}

func (f *files) readlink(path string) (string, error) {
	f.ops.Add(1)
	return os.Readlink(path)
}

// open opens a file for reading and does not wait for a writer where it turns out to be a fifo.
func (f *files) open(path string) (*os.File, error) {
	f.ops.Add(1)
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // reading files of the configured directory is the job
}

// isDir reports whether path is a directory, or a link to one.
func (f *files) isDir(path string) bool {
	info, err := f.stat(path)
	return err == nil && info.IsDir()
}

// A route is what a path goes through.
type route struct {
	links []string // symbolic links on the way, each as <directory without links>/<name>
	end   string   // where it leads, free of links; where it breaks off, the first path that is missing
	rest  bool     // broken off before the last element: a directory is missing
}

// trace follows an absolute path link by link. On error the route says how far it came.
func (f *files) trace(path string) (route, error) {
	var r route
	r.end = string(filepath.Separator)
	todo := strings.Split(filepath.Clean(path), string(filepath.Separator))
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			r.end = filepath.Dir(r.end)
			continue
		}
		dir, next := r.end, filepath.Join(r.end, name)
		r.end, r.rest = next, len(todo) > 0
		info, err := f.lstat(next)
		if err != nil {
			return r, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		target, err := f.readlink(next)
		if err != nil {
			return r, err
		}
		if r.links = append(r.links, next); len(r.links) > maxLinks {
			return r, fmt.Errorf("following %s: %w", path, syscall.ELOOP)
		}
		if r.end = dir; filepath.IsAbs(target) {
			r.end = string(filepath.Separator)
		}
		todo = append(strings.Split(target, string(filepath.Separator)), todo...)
	}
	return r, nil
}

// errBusy says that a file changes while it is read.
var errBusy = errors.New("file changes while it is read")

// read returns the content of a regular file of at most limit bytes, and its state as opened. It returns
// errBusy if size, modification time or inode were not the same before and after. accept may refuse the file by
// its state, before it is read.
func (f *files) read(path string, limit int, accept func(fs.FileInfo) error) ([]byte, error) {
	info, err := f.stat(path) // before open: opening a device may do things
	if err != nil {
		return nil, err
	}
	if err := checkFile(info, limit); err != nil {
		return nil, err
	}
	file, err := f.open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	before, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(checkFile(before, limit), accept(before)); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	after, err := f.stat(path)
	switch {
	case err != nil:
		return nil, err
	case !os.SameFile(before, after), before.Size() != after.Size(), !before.ModTime().Equal(after.ModTime()),
		before.Size() != int64(len(data)):
		return nil, errBusy
	}
	return data, nil
}

// checkFile reports what makes a file unfit by its kind and size alone.
func checkFile(info fs.FileInfo, limit int) error {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return errors.New("is a directory, not a rule file")
	case !mode.IsRegular():
		return errors.New("is not a regular file")
	case info.Size() > int64(limit):
		return fmt.Errorf("has %d bytes, more than the limit of %d", info.Size(), limit)
	}
	return nil
}
