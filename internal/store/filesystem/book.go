package filesystem

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"ttpworker/internal/rule"
	"ttpworker/internal/store"
)

// errEmpty is the fault of a file without content.
var errEmpty = errors.New("file is empty")

// A sight is what a look at one path has found.
type sight struct {
	path string
	gone bool   // there is no such file
	data []byte // the whole content, if neither gone nor err
	err  error  // why the content is not known
	sum  string // identity of the content, or of err: equal sights of a path have equal sums
}

func contentOf(path string, data []byte) sight {
	sum := sha256.Sum256(data)
	return sight{path: path, data: data, sum: hex.EncodeToString(sum[:])}
}

func faultOf(path string, err error) sight {
	return sight{path: path, err: err, sum: "fault: " + err.Error()}
}

func (s sight) blank() bool { return s.err == nil && len(bytes.TrimSpace(s.data)) == 0 }

// A book knows every file of rules and shared lists, and which of them gives the rule in force of an id, or the list of
// a name. It does the parsing, for which parse must be safe for concurrent use. It is not safe for concurrent use.
type book struct {
	parse    Parse
	listDirs []string
	maxBytes int                // of a list file; parse has a limit of its own
	maxRules int                // and filters; also lists
	entries  map[string]*entry  // by path
	lists    rule.Lists         // in force; never changed
	inForce  map[string]version // by the rule's key: filters are among them
	resolver rule.Resolver
	rules    []*rule.Rule // what follows from inForce: rules with their filters merged in, sorted by id
	warnings []error      // about those
}

// An entry is one file of rules or lists.
type entry struct {
	path   string
	isList bool
	seen   string   // sum of the last sight; "" = none yet
	offer  version  // what the file gives if no other file has the id: the last good content, zero = nothing
	fault  error    // why the last sight is not in force; nil = it is
	losing string   // what the offer was refused over last: another version, path and sum, or the limit; "" = nothing
	asked  []string // shared lists that the last sight asked for, there or not
	again  []byte   // the last sight's content if it asked for any: another list makes another rule of it
}

// A version is a parsed content of a file: a rule, or lists.
type version struct {
	rule  *rule.Rule
	lists []*rule.List
	path  string
	sum   string
	shape shape
}

func newBook(parse Parse, cfg Config) *book {
	return &book{
		parse: parse, listDirs: cfg.ListDirs(), maxBytes: cfg.MaxFileBytes, maxRules: cfg.MaxRules,
		entries: map[string]*entry{}, inForce: map[string]version{},
	}
}

// paths lists the known files, sorted.
func (b *book) paths() []string { return slices.Sorted(maps.Keys(b.entries)) }

// current returns the version of a file that is in force, if it is.
func (b *book) current(path string) (version, bool) {
	e := b.entries[path]
	if e == nil || !b.holds(e) {
		return version{}, false
	}
	return e.offer, true
}

// holds reports whether e gives the rule in force of its id, or a list.
func (b *book) holds(e *entry) bool {
	if e.isList {
		return slices.ContainsFunc(e.offer.lists, func(l *rule.List) bool { return b.lists[l.Name] == l })
	}
	return e.offer.rule != nil && b.inForce[e.offer.rule.Key()].path == e.path
}

// refused counts the files whose present content is not in force.
func (b *book) refused() int {
	n := 0
	for _, e := range b.entries {
		if e.fault != nil {
			n++
		}
	}
	return n
}

// apply takes the sights of one round, sorted by path, and returns what has changed: one change per rule or
// refused file, sorted by rule id. A fault is reported once per content, and again if a list makes it another one. first
// is the first reading.
func (b *book) apply(sights []sight, first bool) []store.Change {
	changes := b.take(sights, first, true)
	refused, changed := b.decideLists()
	changes = append(changes, refused...)
	changes = append(changes, b.take(sights, first, false)...)
	if !first { // else every file was read with these lists
		changes = append(changes, b.readAgain(changed)...)
	}
	refused, decided := b.decide()
	changes = append(changes, refused...)
	if decided {
		changes = append(changes, b.resolve()...)
	}
	slices.SortStableFunc(changes, func(x, y store.Change) int {
		return cmp.Or(cmp.Compare(x.RuleID, y.RuleID), cmp.Compare(x.Path, y.Path))
	})
	return changes
}

// A parsing is what the parser says of a file.
type parsing struct {
	rule  *rule.Rule
	asked []string
	fault error
}

// parseAll parses contents of rule files, several at a time, and returns what came of them by path: a replica that starts
// takes no event before it has its rules.
func (b *book) parseAll(sights []sight) map[string]parsing {
	out := make([]parsing, len(sights))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range sights {
		g.Go(func() error {
			p := &out[i]
			p.rule, p.asked, p.fault = b.parse(b.lists, s.path, s.data)
			return nil
		})
	}
	_ = g.Wait() // none returns an error
	byPath := make(map[string]parsing, len(sights))
	for i, s := range sights {
		byPath[s.path] = out[i]
	}
	return byPath
}

// take takes the sights of list files, or of the others, and returns their faults.
func (b *book) take(sights []sight, first, lists bool) []store.Change {
	var changes []store.Change
	parsed := b.parseAll(slices.DeleteFunc(slices.Clone(sights), func(s sight) bool {
		e := b.entries[s.path]
		return lists || b.isList(s.path) || s.gone || s.err != nil || s.blank() || e != nil && e.seen == s.sum
	}))
	for _, s := range sights {
		if b.isList(s.path) != lists {
			continue
		}
		if s.gone {
			delete(b.entries, s.path)
			continue
		}
		e := b.entries[s.path]
		if e == nil {
			e = &entry{path: s.path, isList: lists}
			b.entries[s.path] = e
		}
		if e.seen != s.sum && b.read(e, s, parsed[s.path], first) {
			changes = append(changes, refusal(e))
		}
	}
	return changes
}

// read takes a new content of a file, and what came of it if it is a rule. It reports whether its fault is to be announced: a new file that is
// still empty is most likely about to be filled, and that is one change, not two.
func (b *book) read(e *entry, s sight, p parsing, first bool) (announce bool) {
	unfilled := s.blank() && !first && e.offer.sum == "" && (e.seen == "" || errors.Is(e.fault, errEmpty))
	e.seen, e.losing, e.asked, e.again = s.sum, "", nil, nil
	v := version{path: e.path, sum: s.sum}
	switch {
	case s.err != nil:
		e.fault = &rule.Error{File: e.path, Err: s.err}
	case s.blank():
		e.fault = &rule.Error{File: e.path, Err: errEmpty}
	case e.isList:
		v.lists, e.fault = rule.ParseLists(e.path, s.data, b.maxBytes)
	default:
		v.rule, e.asked, e.fault = p.rule, p.asked, p.fault
	}
	if len(e.asked) > 0 {
		e.again = s.data
	}
	if e.fault == nil {
		if v.shape = shapeOf(s.data); e.isList {
			v.shape.keys = nil // a list that is taken out, or not written yet, takes nothing down
		}
		e.offer = v
		return false
	}
	if !b.holds(e) {
		e.offer = version{}
	}
	return !unfilled
}

// decide gives every rule id to one of the files that offer it: the one that has it, so that a newcomer cannot
// take a rule over; else one with the same bytes, which is a rename; else the first by path. It returns whom it has
// refused, and whether another file, or another content of one, is in force now.
func (b *book) decide() (refused []store.Change, decided bool) {
	offers := map[string][]*entry{}
	for _, path := range b.paths() {
		if e := b.entries[path]; e.offer.rule != nil {
			key := e.offer.rule.Key()
			offers[key] = append(offers[key], e)
		}
	}
	for key := range b.inForce {
		if len(offers[key]) == 0 {
			delete(b.inForce, key)
			decided = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(offers)) {
		was, had := b.inForce[key]
		winner := pick(offers[key], was)
		if !had && len(b.inForce) >= b.maxRules {
			refused = append(refused, b.refuseAll(offers[key])...)
			continue
		}
		if !had || was.rule != winner.offer.rule {
			b.inForce[key] = winner.offer
			decided = true
		}
		refused = append(refused, b.refuseOthers(offers[key], winner)...)
	}
	return refused, decided
}

// resolve makes the rules of the files in force and returns one change for each that is another one than before: its
// file is, or the filters that are for it.
func (b *book) resolve() []store.Change {
	files := make([]*rule.Rule, 0, len(b.inForce))
	for _, key := range slices.Sorted(maps.Keys(b.inForce)) {
		files = append(files, b.inForce[key].rule)
	}
	before := make(map[string]*rule.Rule, len(b.rules))
	for _, r := range b.rules {
		before[r.ID] = r
	}
	b.rules, b.warnings = b.resolver.Resolve(files)
	var changes []store.Change
	for i, r := range b.rules {
		was := before[r.ID]
		delete(before, r.ID)
		if was != nil && was.Same(r) {
			b.rules[i] = was
			continue
		}
		changes = append(changes, store.Change{Kind: store.Loaded, RuleID: r.ID, Path: r.File.Path, Rule: r})
	}
	for id, was := range before { // apply sorts
		changes = append(changes, store.Change{Kind: store.Removed, RuleID: id, Path: was.File.Path})
	}
	return changes
}

// pick chooses among the files, sorted by path, that offer one rule id.
func pick(offers []*entry, was version) *entry {
	for _, e := range offers {
		if e.path == was.path {
			return e
		}
	}
	for _, e := range offers {
		if e.offer.sum == was.sum {
			return e
		}
	}
	return offers[0]
}

// refuseOthers refuses the files whose rule id the winner has: once per content of both.
func (b *book) refuseOthers(offers []*entry, winner *entry) []store.Change {
	if winner.losing != "" {
		winner.losing, winner.fault = "", nil
	}
	inForce := b.inForce[winner.offer.rule.Key()]
	var changes []store.Change
	for _, e := range offers {
		over := inForce.path + " " + inForce.sum
		if e == winner || e.losing == over {
			continue
		}
		e.losing, e.fault = over, rule.Duplicate(e.offer.rule, inForce.rule)
		changes = append(changes, refusal(e))
	}
	return changes
}

// refuseAll refuses files whose rule or filter would be one too many: once per content. They come in when others go.
func (b *book) refuseAll(offers []*entry) []store.Change {
	const why = "limit"
	var changes []store.Change
	for _, e := range offers {
		if e.losing == why {
			continue
		}
		e.losing, e.fault = why, rule.TooMany(e.offer.rule, b.maxRules)
		changes = append(changes, refusal(e))
	}
	return changes
}

// refusal is the change that tells of an entry's fault.
func refusal(e *entry) store.Change {
	c := store.Change{Kind: store.Refused, Path: e.path, Err: e.fault}
	if fault, ok := errors.AsType[*rule.Error](e.fault); ok {
		c.RuleID = fault.Rule
	}
	if c.RuleID == "" && e.offer.rule != nil {
		c.RuleID = e.offer.rule.ID
	}
	return c
}
