package filesystem

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"ttpworker/internal/store"
)

// downPoll is how often a rule directory that has vanished is looked for, where its parent cannot be watched.
const downPoll = time.Second

// firstReading reads everything, waiting for files that are being written. The lock is held.
func (s *Store) firstReading(ctx context.Context) error {
	start := time.Now()
	paths, err := s.scan(start)
	if err != nil {
		return err
	}
	var sights []sight
	for _, path := range paths {
		for {
			v, again := s.look(path, false)
			if again.IsZero() {
				sights = append(sights, v)
				break
			}
			if time.Since(start) > s.cfg.MaxWait+s.cfg.Quiet {
				s.inbox.retry(path, again) // for Run: the others do not wait
				break
			}
			timer := time.NewTimer(time.Until(again))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return fmt.Errorf("reading rules: %w", ctx.Err())
			}
		}
	}
	s.loaded = true
	s.commit(sights, true)
	s.logger.Info("rules read", "dir", s.cfg.Dir, "rules", len(s.book.rules), "lists", len(s.book.lists), "refused", s.book.refused())
	s.CheckRules()
	return nil
}

// round looks at what has settled and publishes what has changed. The lock is held, and the first reading done.
func (s *Store) round(b batch, now time.Time) {
	if len(b.paths)+len(b.again)+len(b.maybe) == 0 && !b.rescan {
		return
	}
	calm := map[string]bool{}
	for _, p := range b.paths {
		calm[p] = true
	}
	paths := slices.Concat(b.paths, b.again)
	if b.rescan || slices.ContainsFunc(b.maybe, s.files.isDir) {
		if found, err := s.scan(now); err == nil { // else scan has told; the rules stay
			paths = slices.Concat(paths, found, s.book.paths())
		}
	}
	slices.Sort(paths)
	var sights []sight
	for _, path := range slices.Compact(paths) {
		v, again := s.look(path, calm[path])
		switch {
		case !again.IsZero():
			s.inbox.retry(path, again)
		case !s.hold(v, now):
			sights = append(sights, v)
		}
	}
	s.commit(s.withoutLost(sights, now), false)
}

// withoutLost drops the sights of files that seem gone because the directory itself is: they stay until it is back,
// and a moment longer, since whoever makes it again fills it file by file.
func (s *Store) withoutLost(sights []sight, now time.Time) []sight {
	if !slices.ContainsFunc(sights, func(v sight) bool { return v.gone }) {
		return sights
	}
	info, err := s.files.stat(s.cfg.Dir)
	lost := s.down != nil || err != nil || !os.SameFile(info, s.root)
	if lost && s.down == nil {
		s.inbox.rescanAt(now)
	}
	return slices.DeleteFunc(sights, func(v sight) bool {
		if v.gone && !lost && now.Before(s.keep) {
			s.inbox.retry(v.path, s.keep)
		}
		return v.gone && (lost || now.Before(s.keep))
	})
}

// commit brings the sights, sorted by path, into force. The first reading announces refused files only.
func (s *Store) commit(sights []sight, first bool) {
	changes := s.book.apply(sights, first)
	if first {
		changes = slices.DeleteFunc(changes, func(c store.Change) bool { return c.Kind != store.Refused })
	}
	if first || slices.ContainsFunc(changes, func(c store.Change) bool { return c.Kind != store.Refused }) {
		rules := s.book.rules
		s.rules.Store(&rules)
	}
	s.metrics.Read(time.Now(), len(s.book.rules), s.book.refused(), s.Healthy() == nil)
	s.warn()
	s.tellMended(changes)
	s.changes.Publish(changes...)
}

// warn tells of what is doubtful about the files in force, each once.
func (s *Store) warn() {
	told := s.doubts
	s.doubts = make(map[string]struct{}, len(s.book.warnings))
	for _, w := range s.book.warnings {
		text := w.Error()
		if _, before := told[text]; !before {
			s.logger.Warn("rule file is doubtful", "err", text)
		}
		s.doubts[text] = struct{}{}
	}
}

// tellMended tells of files that were refused and are not any more: what they hold now may be what was in force all the
// time, and then no change says so.
func (s *Store) tellMended(changes []store.Change) {
	for _, path := range slices.Sorted(maps.Keys(s.refused)) {
		e := s.book.entries[path]
		if e != nil && e.fault != nil {
			continue
		}
		delete(s.refused, path)
		if e != nil {
			s.logger.Info("rule file is good again", "path", path)
		}
	}
	for _, c := range changes {
		if c.Kind == store.Refused {
			s.refused[c.Path] = struct{}{}
		}
	}
}

// scan walks through the directories and returns the rule and list files found. On error nothing is known about any file; it
// has been logged unless it is the first reading's, who returns it.
func (s *Store) scan(now time.Time) ([]string, error) {
	w := &walk{files: s.files, inbox: s.inbox, watch: s.watch, layout: newLayout()}
	err := w.run(s.cfg.Dir, s.cfg.ListDirs())
	info, statErr := s.files.stat(s.cfg.Dir)
	if err == nil && statErr != nil {
		err = rootError(s.cfg.Dir, statErr)
	}
	moved := s.inbox.takeMoved()
	back := s.loaded && (moved || s.down != nil || err == nil && !os.SameFile(info, s.root))
	if err == nil && back && w.rules == 0 && len(s.book.inForce) > 0 {
		err = fmt.Errorf("rule directory %s was replaced by an empty one: the rules stay until it has rule files", s.cfg.Dir)
	}
	if err != nil {
		s.fell(err)
		s.inbox.rescanAt(now.Add(min(downPoll, s.cfg.Rescan)))
		return nil, err
	}
	if back {
		s.keep = now.Add(s.cfg.Hold)
	}
	if s.down != nil && s.loaded {
		s.logger.Info("rule directory is back", "dir", s.cfg.Dir)
	}
	s.down, s.root = nil, info
	s.told(errors.Join(w.faults...))
	s.unwatch(s.inbox.adopt(w.layout))
	s.inbox.rescanAt(now.Add(s.cfg.Rescan))
	slices.Sort(w.found)
	return w.found, nil
}

// fell notes that the directory as a whole cannot be read: one line when it begins, whatever the cause becomes.
func (s *Store) fell(err error) {
	if s.loaded && s.down == nil {
		s.logger.Warn("rule directory cannot be read, the rules stay", "dir", s.cfg.Dir, "err", err)
	}
	s.down = err
	s.health.Store(&err)
	if s.loaded {
		s.metrics.Read(time.Now(), len(s.book.rules), s.book.refused(), false)
	}
}

// told sets the health after a walk, with one line per new fault.
func (s *Store) told(faults error) {
	before := s.Healthy()
	if faults != nil && (before == nil || before.Error() != faults.Error()) {
		s.logger.Warn("rule directory cannot be read, its rules stay", "err", faults)
	}
	s.health.Store(&faults)
}
