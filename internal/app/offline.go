package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ttpworker/internal/rule"
	"ttpworker/internal/store"
	"ttpworker/internal/store/filesystem"
	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
	"ttpworker/rules"
)

// ErrNoDirectory is the fault of a rule directory that cannot be read as one.
var ErrNoDirectory = errors.New("no rule directory")

// A RuleSet is what rule directories hold.
type RuleSet struct {
	Rules      []*rule.Rule // the good ones, sorted by id, Sigma filters merged in
	Filters    int          // good files that are Sigma filters
	Lists      rule.Lists   // the shared lists
	Warnings   []error      // about those, see rule.Resolve
	PassedOver []error      // warnings about files that have nearly the name of one of those, see rule.PassedOver
	Faults     error        // of all others, joined
}

// Missing is an error if there is no file of a rule or a filter, good or bad.
func (s *RuleSet) Missing() error {
	if len(s.Rules)+s.Filters == 0 && s.Faults == nil {
		return errors.New("no rule file found: the name of one is letters, digits and underscores and ends in .yaml or .yml")
	}
	return nil
}

// Has reports whether a good rule has this id.
func (s *RuleSet) Has(id string) bool {
	return slices.ContainsFunc(s.Rules, func(r *rule.Rule) bool { return r.ID == id })
}

// LoadRules is ReadRules for those whom the reasons do not concern: the good rules, and what is wrong, joined.
func LoadRules(cfg Config, dirs []string) ([]*rule.Rule, error) {
	set, err := ReadRules(cfg, dirs)
	return set.Rules, errors.Join(err, set.Faults)
}

// ReadRules reads the rules of dirs for a command that needs no Kafka. Without dirs it takes the directory of the
// configuration, and the embedded pack where that is the default one and not there. The error is about the Sigma
// mapping, without which no rule means anything.
func ReadRules(cfg Config, dirs []string) (RuleSet, error) {
	parser, err := NewParser(cfg)
	if err != nil {
		return RuleSet{}, err
	}
	var set RuleSet
	files := set.read(parser, cfg.RuleStore.Config, dirs)
	slices.SortStableFunc(files, func(a, b *rule.Rule) int { return cmp.Compare(a.ID, b.ID) })
	if n, most := len(files), cfg.Limits.Rules; n > most {
		set.Faults = errors.Join(set.Faults, fmt.Errorf("there are %d rules and filters, more than the limit of %d (limits.rules): %s and those behind it are left out",
			n, most, files[most].ID))
		files = files[:most]
	}
	set.Rules, set.Warnings = rule.Resolve(files)
	set.Filters = len(files) - len(set.Rules)
	return set, nil
}

// ReadLiveRules reads the rules that a worker with this configuration has. No worker runs with those in the binary, so that there must
// be a rule directory: it is an error that there is none, beside those of ReadRules.
func ReadLiveRules(cfg Config) (RuleSet, error) {
	set, err := ReadRules(cfg, []string{cfg.RuleStore.Dir})
	if err == nil && errors.Is(set.Faults, ErrNoDirectory) {
		err = fmt.Errorf("%w: set rule_store.dir to that of the workers", set.Faults)
	}
	return set, err
}

// NewParser makes the parser of rule files that the configuration describes. The error is about the Sigma mapping.
func NewParser(cfg Config) (rule.Parser, error) {
	p := rule.NewParser(cfg.Limits.RuleBytes)
	p.Limits, p.Levels = cfg.Limits.Detection, cfg.Sigma.Levels
	if cfg.Sigma.Mapping == "" {
		return p, nil
	}
	data, err := readBounded(cfg.Sigma.Mapping)
	if err != nil {
		return p, fmt.Errorf("reading the Sigma mapping: %w", err)
	}
	m, err := rule.ParseMapping(cfg.Sigma.Mapping, data)
	if err != nil {
		return p, err
	}
	return p.WithMapping(m), nil
}

// embedded is what the paths of the rules in the binary begin with.
const embedded = "embedded"

// read reads the files of dirs, or of the configured directory, with the lists that go with them. The first of two
// with the same key is good.
func (s *RuleSet) read(parser rule.Parser, cfg filesystem.Config, dirs []string) []*rule.Rule {
	if len(dirs) == 0 {
		if _, err := os.Stat(cfg.Dir); errors.Is(err, fs.ErrNotExist) && cfg.Dir == filesystem.DefaultConfig().Dir {
			lists, listErr := rule.ReadLists(rules.Pack(), rule.ListsName, filepath.Join(embedded, rule.ListsName), parser.MaxBytes, nil)
			all, err := parser.Read(rules.Pack(), ".", embedded, lists, rule.ListsName)
			s.Lists, s.Faults = lists, errors.Join(listErr, err)
			return all
		}
		dirs = []string{cfg.Dir}
	}
	dirs, errs := rightDirs(dirs)
	errs = append(errs, s.readLists(parser, cfg, dirs))
	var all []*rule.Rule
	byKey := map[string]*rule.Rule{}
	for _, dir := range dirs {
		cfg.Dir = dir
		below := listsBelow(cfg)
		found, err := parser.Read(os.DirFS(dir), ".", dir, s.Lists, below)
		errs = append(errs, err)
		s.PassedOver = append(s.PassedOver, rule.PassedOver(os.DirFS(dir), ".", dir, below)...)
		for _, r := range found {
			if other := byKey[r.Key()]; other != nil {
				errs = append(errs, rule.Duplicate(r, other))
				continue
			}
			byKey[r.Key()] = r
			all = append(all, r)
		}
	}
	s.Faults = errors.Join(errs...)
	return all
}

// rightDirs are those of dirs that can be read, with the faults of the others.
func rightDirs(dirs []string) (right []string, errs []error) {
	for _, dir := range dirs {
		if err := checkDir(dir); err != nil {
			errs = append(errs, err)
			continue
		}
		right = append(right, dir)
	}
	return right, errs
}

// checkDir reports what is no rule directory.
func checkDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.Mode().IsRegular():
		return fmt.Errorf("%s is %w but a file: give the directory that it is in", dir, ErrNoDirectory)
	case err != nil || !info.IsDir():
		return fmt.Errorf("%s is %w", dir, ErrNoDirectory)
	}
	return nil
}

// readLists reads the shared lists of rule directories.
func (s *RuleSet) readLists(parser rule.Parser, cfg filesystem.Config, dirs []string) error {
	var errs []error
	read := map[string]bool{} // by absolute path
	for _, dir := range dirs {
		cfg.Dir = dir
		for _, from := range cfg.ListDirs() {
			abs, err := filepath.Abs(from)
			if read[abs] || err != nil {
				errs = append(errs, err)
				continue
			}
			read[abs] = true
			if _, err := os.Stat(from); err != nil && cfg.ListsDir != "" {
				errs = append(errs, fmt.Errorf("reading lists (rule_store.lists_dir): %w", err))
				continue
			}
			s.Lists, err = rule.ReadLists(os.DirFS(from), ".", from, parser.MaxBytes, s.Lists)
			errs = append(errs, err)
			s.PassedOver = append(s.PassedOver, rule.PassedOver(os.DirFS(from), ".", from, "")...)
		}
	}
	return errors.Join(errs...)
}

// listsBelow is the directory of lists in the rule directory of cfg, relative to it; "" if none is there.
func listsBelow(cfg filesystem.Config) string {
	for _, dir := range cfg.ListDirs() {
		from, err := filepath.Abs(cfg.Dir)
		to, err2 := filepath.Abs(dir)
		rel, err3 := filepath.Rel(from, to)
		if errors.Join(err, err2, err3) == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return ""
}

// LoadStates reads operator states from a YAML or JSON file, rule id -> state, confidence_max, expires_at (RFC
// 3339), and returns them as a plan wants them at now. A rule that is not named has the default, as has one whose
// state has expired. file may be "".
func LoadStates(file string, now time.Time) (func(ruleID string) tagger.Standing, error) {
	states := map[string]store.State{}
	standing := func(ruleID string) tagger.Standing {
		if s, ok := states[ruleID]; ok && !s.Expired(now) {
			return s.Standing()
		}
		return tagger.DefaultStanding()
	}
	if file == "" {
		return standing, nil
	}
	data, err := readBounded(file)
	if err != nil {
		return nil, fmt.Errorf("reading states: %w", err)
	}
	var written map[string]struct {
		State         string   `yaml:"state"`
		ConfidenceMax *float64 `yaml:"confidence_max"`
		ExpiresAt     string   `yaml:"expires_at"`
	}
	doc, err := yamlx.Parse(data, maxConfigBytes)
	if err == nil {
		err = doc.Decode(&written)
	}
	if err != nil {
		return nil, inFile(file, err)
	}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(written)) {
		w := written[id]
		s := store.State{RuleID: id, State: tagger.State(w.State), ConfidenceMax: w.ConfidenceMax}
		fault := func(err error, at ...any) {
			errs = append(errs, &yamlx.Error{Pos: doc.At(at...), Err: fmt.Errorf("rule %q: %w", id, err)})
		}
		if w.ExpiresAt != "" {
			if s.ExpiresAt, err = time.Parse(time.RFC3339Nano, w.ExpiresAt); err != nil {
				fault(fmt.Errorf("expires_at %q is not RFC 3339", w.ExpiresAt), id, "expires_at")
			}
		}
		if err := s.Validate(); err != nil {
			fault(err, id)
		}
		states[id] = s
	}
	if len(errs) > 0 {
		return nil, inFile(file, errors.Join(errs...))
	}
	return standing, nil
}
