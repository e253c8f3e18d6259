package filesystem

// RefusedPaths lists the rule files whose present content is not in force, sorted. What they gave before, if
// anything, is.
func (s *Store) RefusedPaths() []string {
	s.work.Lock()
	defer s.work.Unlock()
	var paths []string
	for _, p := range s.book.paths() {
		if s.book.entries[p].fault != nil {
			paths = append(paths, p)
		}
	}
	return paths
}
