package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
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

// LoadRules reads the rules of dirs for a command that needs no Kafka. Without dirs it takes the directory of the
// configuration, and the embedded pack where that is the default one and not there. It returns the good rules
// sorted by id and the faults of all others, joined.
func LoadRules(cfg Config, dirs []string) ([]*rule.Rule, error) {
	parser := rule.NewParser(cfg.Limits.RuleBytes)
	if len(dirs) == 0 {
		dir := cfg.RuleStore.Dir
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && dir == filesystem.DefaultConfig().Dir {
			return parser.Load(rules.Pack(), ".", "embedded")
		}
		dirs = []string{dir}
	}
	var all []*rule.Rule
	var errs []error
	byID := map[string]*rule.Rule{}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			errs = append(errs, fmt.Errorf("%s is %w", dir, ErrNoDirectory))
			continue
		}
		found, err := parser.Load(os.DirFS(dir), ".", dir)
		errs = append(errs, err)
		for _, r := range found {
			if other := byID[r.ID]; other != nil {
				errs = append(errs, rule.Duplicate(r, other))
				continue
			}
			byID[r.ID] = r
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *rule.Rule) int { return cmp.Compare(a.ID, b.ID) })
	return all, errors.Join(errs...)
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
