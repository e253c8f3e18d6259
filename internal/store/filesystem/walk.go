package filesystem

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"ttpworker/internal/rule"
)

// A walk goes through the directories of rules and lists once and notes in a new layout what it finds. Whatever it enters is
// noted in the live layout and watched before it is read, so that nothing made in between is missed.
type walk struct {
	files *files
	inbox *inbox
	watch func(dir string) // by real path; does nothing where there is no watcher

	layout *layout
	found  []string            // shown paths of files, those of rules first
	rules  int                 // how many of them are of rules
	lists  map[string]struct{} // real paths of the directories of lists, until the rules are done
	links  []place             // links that may lead to directories, still to follow
	faults []error             // directories that cannot be read
}

// A place is a path as watched and as shown.
type place struct{ real, shown string }

// run walks through dir and then through those of lists, which need not exist and are none of dir's. It returns an error
// if dir itself cannot be read; then nothing was found out, and the way to dir is watched all the same.
func (w *walk) run(dir string, lists []string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("rule directory %s: %w", dir, err)
	}
	r, err := w.files.trace(abs)
	w.note(func(l *layout) []string {
		l.root = r.end
		l.marks[r.end] = struct{}{} // its parent tells when it is removed and made again
		return l.follow(r, err != nil)
	})
	if err != nil {
		return rootError(dir, err)
	}
	listRoots := w.locate(lists)
	if err := w.enter(place{real: r.end, shown: filepath.Clean(dir)}); err != nil {
		return rootError(dir, err)
	}
	w.enterLinks()
	w.rules, w.lists = len(w.found), nil
	for _, at := range listRoots {
		if err := w.enter(at); err != nil && !missing(err) {
			w.faults = append(w.faults, fmt.Errorf("directory of lists %s: %w", at.shown, err))
		}
		w.enterLinks()
	}
	return nil
}

// locate finds the directories of lists and has the way to each watched, so that one made later is noticed.
func (w *walk) locate(dirs []string) []place {
	w.lists = map[string]struct{}{}
	var roots []place
	for _, dir := range dirs {
		abs, err := filepath.Abs(dir)
		if err != nil {
			w.faults = append(w.faults, fmt.Errorf("directory of lists %s: %w", dir, err))
			continue
		}
		r, err := w.files.trace(abs)
		w.note(func(l *layout) []string {
			l.marks[r.end] = struct{}{}
			return l.follow(r, err != nil)
		})
		switch {
		case err == nil && w.files.isDir(r.end):
			w.lists[r.end] = struct{}{}
			roots = append(roots, place{real: r.end, shown: dir})
		case err != nil && !missing(err):
			w.faults = append(w.faults, fmt.Errorf("directory of lists %s: %w", dir, err))
		}
	}
	return roots
}

// enterLinks enters the directories that the links kept for later lead to.
func (w *walk) enterLinks() {
	for len(w.links) > 0 {
		link := w.links[0]
		w.links = w.links[1:]
		w.enterLink(link)
	}
}

// note changes the live and the new layout and watches the directories that change returns.
func (w *walk) note(change func(*layout) []string) {
	w.inbox.mu.Lock()
	dirs := change(w.layout)
	change(w.inbox.live)
	w.inbox.mu.Unlock()
	for _, d := range dirs {
		w.watch(d)
	}
}

// enter reads a directory and those below. Links to directories are kept for later, so that a file that can be
// reached both ways has the path without a link.
func (w *walk) enter(at place) error {
	_, been := w.layout.dirs[at.real]
	if _, lists := w.lists[at.real]; been || lists {
		return nil
	}
	w.note(func(l *layout) []string {
		l.dirs[at.real] = at.shown
		return []string{at.real}
	})
	entries, err := w.files.readDir(at.real)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		child := place{real: filepath.Join(at.real, name), shown: filepath.Join(at.shown, name)}
		link := e.Type()&fs.ModeSymlink != 0
		switch {
		case rule.IsFileName(name):
			w.found = append(w.found, child.shown)
			if link {
				w.followFile(child)
			}
		case strings.HasPrefix(name, "."):
		case link:
			w.links = append(w.links, child)
		case e.IsDir():
			if err := w.enter(child); err != nil && !errors.Is(err, fs.ErrNotExist) {
				w.faults = append(w.faults, fmt.Errorf("rule directory %s: %w", child.shown, err))
			}
		}
	}
	return nil
}

// followFile notes what a linked rule file depends on. That it leads nowhere is for the reader to find out.
func (w *walk) followFile(at place) {
	r, err := w.files.trace(at.real)
	w.note(func(l *layout) []string {
		l.link(at.shown, r.end)
		return l.follow(r, err != nil)
	})
}

// enterLink enters the directory that a link leads to, unless it was entered already or has the rules inside it.
func (w *walk) enterLink(at place) {
	r, err := w.files.trace(at.real)
	broken := err != nil
	if !broken && !w.files.isDir(r.end) {
		return
	}
	w.note(func(l *layout) []string { return l.follow(r, broken) })
	if broken || within(w.layout.root, r.end) {
		return
	}
	if err := w.enter(place{real: r.end, shown: at.shown}); err != nil {
		w.faults = append(w.faults, fmt.Errorf("rule directory %s: %w", at.shown, err))
	}
}

// within reports whether path is dir or below it.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// rootError says what is wrong with the rule directory and what to do.
func rootError(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("rule directory %s does not exist: create it or set rule_store.dir (DECNET_TTP_RULE_STORE_DIR): %w", dir, fs.ErrNotExist)
	}
	return fmt.Errorf("rule directory %s cannot be read: %w", dir, err)
}
