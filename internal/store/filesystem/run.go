package filesystem

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sync/errgroup"
)

// Run implements store.Store. Where inotify is not to be had, it says so and reads the directory by the clock. A
// directory that vanishes is no reason to end: Healthy says so.
func (s *Store) Run(ctx context.Context) error {
	defer s.changes.Close()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.States.Run(gctx) })
	g.Go(func() error {
		s.keepRules(gctx)
		return nil
	})
	return g.Wait()
}

// keepRules watches the directory until ctx ends.
func (s *Store) keepRules(ctx context.Context) {
	stop := s.startWatcher()
	defer stop()
	s.Rescan()
	for ctx.Err() == nil {
		s.work.Lock()
		s.step(ctx)
		s.work.Unlock()
		wait := s.cfg.Rescan
		if next := s.inbox.next(); !next.IsZero() {
			wait = time.Until(next)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.inbox.changed:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// step does what is due now. The lock is held.
func (s *Store) step(ctx context.Context) {
	now := time.Now()
	b := s.inbox.take(now)
	if s.loaded {
		s.round(b, now)
		return
	}
	before := s.down
	err := s.firstReading(ctx)
	if err != nil && ctx.Err() == nil && (before == nil || before.Error() != err.Error()) {
		s.logger.Warn("rules cannot be read yet", "dir", s.cfg.Dir, "err", err)
	}
}

// startWatcher starts inotify and the goroutine that empties it, and returns what ends both. That goroutine never
// does work: fsnotify may report an error with its lock held, and one who adds a watch meanwhile would wait for ever.
func (s *Store) startWatcher() (stop func()) {
	w, err := s.newWatcher()
	if err != nil {
		s.logger.Warn("inotify is not available, rules are read by the clock (see fs.inotify.max_user_instances)",
			"err", err, "rescan", s.cfg.Rescan)
		return func() {}
	}
	s.work.Lock()
	s.watcher = w
	s.work.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.pump(w)
	}()
	return func() {
		s.work.Lock()
		s.watcher = nil
		s.work.Unlock()
		if err := w.Close(); err != nil {
			s.logger.Warn("closing inotify", "err", err)
		}
		<-ended
	}
}

// pump hands the watcher's events to the inbox until the watcher is closed.
func (s *Store) pump(w *fsnotify.Watcher) {
	for {
		select {
		case ev, ok := <-w.Events:
			if !ok {
				return
			}
			s.inbox.event(ev, time.Now())
		case err, ok := <-w.Errors:
			if !ok {
				return
			}
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				s.logger.Warn("watching rules", "err", err)
			}
			s.inbox.overflow(time.Now()) // events may be lost: look at everything
		}
	}
}

// watch watches a directory by its real path; one that is watched is watched again, since it may be another one of
// the same name by now. A directory that cannot be watched is read by the clock. The lock is held.
func (s *Store) watch(dir string) {
	if s.watcher == nil {
		return
	}
	err := s.watcher.Add(dir)
	if err == nil {
		s.watched[dir] = struct{}{}
		return
	}
	if _, told := s.warned[dir]; told || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return // vanished, or the parent of the rule directory, which need not be readable
	}
	s.warned[dir] = struct{}{}
	s.logger.Warn("directory cannot be watched, it is read by the clock (see fs.inotify.max_user_watches)",
		"dir", dir, "err", err, "rescan", s.cfg.Rescan)
}

// unwatch stops watching all directories but those in keep. The lock is held.
func (s *Store) unwatch(keep map[string]struct{}) {
	for dir := range s.watched {
		if _, wanted := keep[dir]; wanted || s.watcher == nil {
			continue
		}
		delete(s.watched, dir)
		_ = s.watcher.Remove(dir) // it has most likely been removed, and its watch with it
	}
}
