package attack

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed tactics_v19.1.tsv
var tacticsTSV string

//go:embed enterprise_v19.1.tsv
var techniquesTSV string

// embedded returns the parsed tables. It panics if they are broken, which a test rules out.
var embedded = sync.OnceValue(func() *table {
	t, err := parseTable(tacticsTSV, techniquesTSV)
	if err != nil {
		panic("attack: embedded tables: " + err.Error())
	}
	return t
})

// A table is one release of the matrix. It is never changed once parseTable has returned it.
type table struct {
	tactics    []Tactic             // in matrix order
	techniques map[string]Technique // by id, retired ones too
}

// tactic finds a tactic by id or short name. There are 15, so it walks.
func (t *table) tactic(idOrShortName string) (Tactic, bool) {
	i := slices.IndexFunc(t.tactics, func(ta Tactic) bool {
		return ta.ID == idOrShortName || ta.ShortName == idOrShortName
	})
	if i < 0 {
		return Tactic{}, false
	}
	return t.tactics[i], true
}

// maxReplacements bounds how many replacements current follows, so that a cycle in a table ends. Real chains have
// one step.
const maxReplacements = 8

func (t *table) current(id string) (string, bool) {
	for range maxReplacements + 1 {
		technique, ok := t.techniques[id]
		if !ok {
			return "", false
		}
		if technique.Status == Active {
			return id, true
		}
		id = technique.ReplacedBy
	}
	return "", false
}

// parseTable reads both tables and checks that they hold together. Errors name the line.
func parseTable(tacticsTSV, techniquesTSV string) (*table, error) {
	t := &table{techniques: make(map[string]Technique)}
	if err := eachRow(tacticsTSV, 4, t.addTactic); err != nil {
		return nil, fmt.Errorf("tactics: %w", err)
	}
	if err := eachRow(techniquesTSV, 6, t.addTechnique); err != nil {
		return nil, fmt.Errorf("techniques: %w", err)
	}
	for id, technique := range t.techniques {
		if err := t.checkReferences(technique); err != nil {
			return nil, fmt.Errorf("techniques: %s: %w", id, err)
		}
	}
	return t, nil
}

// eachRow calls add with the tab-separated columns of every line that is no comment.
func eachRow(text string, columns int, add func([]string) error) error {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		row := strings.Split(line, "\t")
		if len(row) != columns {
			return fmt.Errorf("line %d: %d columns, want %d", number, len(row), columns)
		}
		if err := add(row); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return nil
}

// addTactic takes the columns id, short name, name, order.
func (t *table) addTactic(row []string) error {
	order, err := strconv.Atoi(row[3])
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	if order != len(t.tactics)+1 {
		return fmt.Errorf("order %d, want %d", order, len(t.tactics)+1)
	}
	for _, key := range row[:2] {
		if _, found := t.tactic(key); found {
			return fmt.Errorf("%q is there twice", key)
		}
	}
	t.tactics = append(t.tactics, Tactic{ID: row[0], ShortName: row[1], Name: row[2], Order: order})
	return nil
}

// addTechnique takes the columns id, status, tactic ids, replacement, name, platforms.
func (t *table) addTechnique(row []string) error {
	technique := Technique{ID: row[0], Status: Status(row[1]), ReplacedBy: row[3], Name: row[4]}
	if _, found := t.techniques[technique.ID]; found {
		return fmt.Errorf("%q is there twice", technique.ID)
	}
	if row[2] != "" {
		technique.Tactics = strings.Split(row[2], ",")
	}
	if row[5] != "" {
		technique.Platforms = strings.Split(row[5], ",")
		slices.Sort(technique.Platforms)
	}
	if err := technique.check(); err != nil {
		return err
	}
	before := 0
	for _, id := range technique.Tactics {
		tactic, found := t.tactic(id)
		if !found {
			return fmt.Errorf("unknown tactic %q", id)
		}
		if tactic.Order <= before {
			return fmt.Errorf("tactic %s is out of matrix order", id)
		}
		before = tactic.Order
	}
	t.techniques[technique.ID] = technique
	return nil
}

// check says whether the columns that a technique has are those of its status.
func (t Technique) check() error {
	switch t.Status {
	case Active, Revoked, Deprecated:
	default:
		return fmt.Errorf("unknown status %q", t.Status)
	}
	if (t.Status == Active) != (len(t.Tactics) > 0) {
		return fmt.Errorf("%s with %d tactics", t.Status, len(t.Tactics))
	}
	if (t.Status == Active) != (len(t.Platforms) > 0) {
		return fmt.Errorf("%s with %d platforms", t.Status, len(t.Platforms))
	}
	if (t.Status == Revoked) != (t.ReplacedBy != "") {
		return fmt.Errorf("%s with replacement %q", t.Status, t.ReplacedBy)
	}
	return nil
}

// checkReferences says whether the other techniques that a technique leads to are there.
func (t *table) checkReferences(technique Technique) error {
	if parent, found := t.techniques[technique.Parent()]; technique.Status == Active && technique.IsSub() {
		if !found || parent.Status != Active {
			return fmt.Errorf("its parent %s is not an active technique", technique.Parent())
		}
	}
	if technique.Status == Revoked {
		if _, ok := t.current(technique.ID); !ok {
			return errors.New("its replacement does not lead to an active technique")
		}
	}
	return nil
}
