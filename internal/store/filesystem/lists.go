package filesystem

import (
	"errors"
	"slices"

	"ttpworker/internal/rule"
	"ttpworker/internal/store"
)

// isList reports whether a file is one of shared lists: it is in a directory of such.
func (b *book) isList(path string) bool {
	return slices.ContainsFunc(b.listDirs, func(dir string) bool { return within(path, dir) })
}

// decideLists gives every name of a list to one of the files that offer it: the one that has it, else the first by path.
// It returns the files whose lists it has refused, and the names whose values are other ones now.
func (b *book) decideLists() (refused []store.Change, changed map[string]struct{}) {
	before := b.lists
	b.lists = rule.Lists{}
	paths := slices.DeleteFunc(b.paths(), func(path string) bool { return !b.entries[path].isList })
	for _, path := range paths {
		for _, l := range b.entries[path].offer.lists {
			if was := before[l.Name]; was != nil && was.Path == path {
				b.lists[l.Name] = l
			}
		}
	}
	for _, path := range paths {
		e := b.entries[path]
		var faults []error
		for _, l := range e.offer.lists {
			switch inForce := b.lists[l.Name]; {
			case inForce == l:
			case inForce != nil:
				faults = append(faults, rule.DuplicateList(l, inForce))
			case len(b.lists) >= b.maxRules:
				faults = append(faults, rule.TooManyLists(l, b.maxRules))
			default:
				b.lists[l.Name] = l
			}
		}
		if e.lose(errors.Join(faults...)) {
			refused = append(refused, refusal(e))
		}
	}
	return refused, differing(before, b.lists)
}

// lose notes which lists of e are refused, unless its content is. It reports whether that is news.
func (e *entry) lose(fault error) bool {
	over := ""
	if fault != nil {
		over = fault.Error()
	}
	if e.fault != nil && e.losing == "" || over == e.losing {
		return false
	}
	e.losing, e.fault = over, fault
	return fault != nil
}

// differing are the names of the lists whose values are not the same in both.
func differing(a, b rule.Lists) map[string]struct{} {
	names := map[string]struct{}{}
	for _, both := range [...][2]rule.Lists{{a, b}, {b, a}} {
		for name, l := range both[0] {
			if o := both[1][name]; o == nil || !slices.Equal(l.Values, o.Values) {
				names[name] = struct{}{}
			}
		}
	}
	return names
}

// readAgain reads the files that have asked for one of the lists, and returns the faults that they did not have.
func (b *book) readAgain(changed map[string]struct{}) []store.Change {
	var sights []sight
	for _, path := range b.paths() {
		e := b.entries[path]
		if slices.ContainsFunc(e.asked, func(name string) bool { _, is := changed[name]; return is }) {
			sights = append(sights, sight{path: path, data: e.again, sum: e.seen})
		}
	}
	var changes []store.Change
	parsed := b.parseAll(sights)
	for _, s := range sights {
		e := b.entries[s.path]
		before := e.fault
		announce := b.read(e, s, parsed[s.path], false)
		if announce && (before == nil || before.Error() != e.fault.Error()) {
			changes = append(changes, refusal(e))
		}
	}
	return changes
}
