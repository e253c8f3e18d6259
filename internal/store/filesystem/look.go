package filesystem

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"
)

// look finds out what is at a path. again is not zero if it cannot be told yet: the file is being written, and
// worth another look then. calm says that the watcher has seen the file rest, so its modification time is not asked.
func (s *Store) look(path string, calm bool) (found sight, again time.Time) {
	info, err := s.files.lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		err = s.lookThrough(path)
	}
	switch {
	case missing(err):
		delete(s.busy, path)
		return sight{path: path, gone: true}, time.Time{}
	case err != nil:
		return faultOf(path, err), time.Time{}
	}
	now := time.Now()
	patient := now.Sub(s.since(path, now)) < s.cfg.MaxWait
	again = now.Add(s.cfg.Quiet)
	data, err := s.files.read(path, s.cfg.MaxFileBytes, func(info fs.FileInfo) error {
		now = time.Now()                // a file written since the round began is not from the future
		rest := now.Sub(info.ModTime()) // negative where the file server's clock is ahead
		if calm || !patient || rest < 0 || rest >= s.cfg.Quiet {
			return nil
		}
		again = now.Add(s.cfg.Quiet - rest)
		return errBusy
	})
	if errors.Is(err, errBusy) || missing(err) { // missing: replaced since lstat; the next look tells by what
		return sight{}, again
	}
	delete(s.busy, path)
	if err != nil {
		return faultOf(path, err), time.Time{}
	}
	return contentOf(path, data), time.Time{}
}

// since notes that a path is being looked at and returns since when it could not be read.
func (s *Store) since(path string, now time.Time) time.Time {
	if first, has := s.busy[path]; has {
		return first
	}
	s.busy[path] = now
	return now
}

// lookThrough follows a linked rule file and watches the way. The error is one of missing only if the target
// itself was deleted: where a directory on the way has vanished, nobody has deleted the rule.
func (s *Store) lookThrough(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	r, err := s.files.trace(abs)
	s.inbox.mu.Lock()
	s.inbox.live.link(path, r.end)
	dirs := s.inbox.live.follow(r, err != nil)
	s.inbox.mu.Unlock()
	for _, d := range dirs {
		s.watch(d)
	}
	switch {
	case err == nil:
		return nil
	case missing(err) && !r.rest:
		return err
	}
	return fmt.Errorf("link cannot be followed: %s: %v", r.end, errors.Unwrap(err)) //nolint:errorlint // hidden: it must not count as missing
}

// missing reports whether err says that there is no such file, and nothing else.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// A held is a content that looks half-written.
type held struct {
	sum   string
	since time.Time // the first such content
	until time.Time
}

// hold reports whether a content is to wait: it has lost its final newline, a top-level key or everything against
// the version in force, and has not yet stood for Config.Hold.
func (s *Store) hold(v sight, now time.Time) bool {
	inForce, has := s.book.current(v.path)
	judged := has && s.book.entries[v.path].seen == v.sum
	if !has || v.gone || v.err != nil || judged || v.sum == inForce.sum || !v.blank() && !shapeOf(v.data).cut(inForce.shape) {
		delete(s.holds, v.path)
		return false
	}
	h, waits := s.holds[v.path]
	if !waits {
		h.since = now
	}
	if h.sum != v.sum {
		h.sum, h.until = v.sum, now.Add(s.cfg.Hold)
		if last := h.since.Add(s.cfg.MaxWait + s.cfg.Hold); h.until.After(last) {
			h.until = last
		}
	}
	if !now.Before(h.until) {
		delete(s.holds, v.path)
		return false
	}
	s.holds[v.path] = h
	s.inbox.retry(v.path, h.until)
	return true
}
