package filesystem

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"

	"ttpworker/internal/rule"
)

// dataLink is the link that Kubernetes swaps to publish a new version of a ConfigMap in one step.
const dataLink = "..data"

// A layout says what the names in events mean. Directories and links are known by their real paths, free of
// links, since that is how they are watched; files by the paths that people see. It needs a lock: inbox has it.
type layout struct {
	root    string              // real path of the rule directory
	dirs    map[string]string   // directories with rule files: real -> shown
	targets map[string][]string // what linked rule files lead to: real -> shown paths of the links
	marks   map[string]struct{} // real paths whose change calls for a rescan: links on the way, missing targets
	outer   map[string]struct{} // directories watched for the sake of targets and marks
}

func newLayout() *layout {
	return &layout{
		dirs: map[string]string{}, targets: map[string][]string{}, marks: map[string]struct{}{}, outer: map[string]struct{}{},
	}
}

// A meaning is what an event calls for.
type meaning int

const (
	nothing   meaning = iota
	candidate         // the rule files of these shown paths may have changed
	rescan            // directories or links have changed
	maybeDir          // the path is new and may be a directory
)

// classify sorts an event out by its name alone: no file operation happens here, and none follows on nothing.
func (l *layout) classify(ev fsnotify.Event) (meaning, []string) {
	dir, base := filepath.Split(ev.Name)
	shown, inside := l.dirs[filepath.Clean(dir)]
	var paths []string
	if inside && rule.IsFileName(base) {
		paths = append(paths, filepath.Join(shown, base))
	}
	if paths = append(paths, l.targets[ev.Name]...); len(paths) > 0 {
		return candidate, paths
	}
	switch {
	case inside && base == dataLink, l.known(ev.Name):
		return rescan, nil
	case inside && ev.Has(fsnotify.Create) && mayBeDir(base):
		return maybeDir, nil
	}
	return nothing, nil
}

// known reports whether path is a directory that is watched, or a mark.
func (l *layout) known(path string) bool {
	_, inside := l.dirs[path]
	_, outside := l.outer[path]
	_, marked := l.marks[path]
	return inside || outside || marked || path == l.root
}

// mayBeDir reports whether a new name that is no rule file's may be a directory's. fsnotify does not tell, and
// asking the file system about every editor's temporary file is what the names are looked at for. So a name with a dot or
// a tilde is none: such a directory is found by the next rescan.
func mayBeDir(base string) bool {
	return base != "" && !strings.ContainsFunc(base, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// follow notes the way of a linked path, so that a change of any link on it is a mark, and a missing end too. It
// returns the directories to watch for that.
func (l *layout) follow(r route, broken bool) []string {
	marks := slices.Clone(r.links)
	if broken {
		marks = append(marks, r.end)
	}
	dirs := []string{filepath.Dir(r.end)}
	for _, m := range marks {
		l.marks[m] = struct{}{}
		dirs = append(dirs, filepath.Dir(m))
	}
	for _, d := range dirs {
		l.outer[d] = struct{}{}
	}
	return dirs
}

// link notes that the rule file shown leads to end.
func (l *layout) link(shown, end string) {
	if !slices.Contains(l.targets[end], shown) {
		l.targets[end] = append(l.targets[end], shown)
	}
}

// watched lists the directories that the layout has watched, in no order.
func (l *layout) watched() map[string]struct{} {
	all := maps.Clone(l.outer)
	for d := range l.dirs {
		all[d] = struct{}{}
	}
	return all
}
