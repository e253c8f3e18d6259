package filesystem

import (
	"maps"
	"slices"
)

// RefusedPaths lists the rule and list files whose present content is not in force, sorted: they are refused, or still being
// written. What they gave before, if anything, is in force.
func (s *Store) RefusedPaths() []string {
	s.work.Lock()
	defer s.work.Unlock()
	paths := s.inbox.pending()
	for _, p := range s.book.paths() {
		if s.book.entries[p].fault != nil {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// pending lists the paths that are to be looked at.
func (b *inbox) pending() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.AppendSeq(slices.Collect(maps.Keys(b.fresh)), maps.Keys(b.later))
}
