package lift

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"ttpworker/internal/attack"
	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

// A table says which techniques signals stand for: ids of techniques, each of which selects the emits of a rule that name
// it, as the technique or as the sub-technique. It is JSON once encoded.
type table map[string][]string

// signals is a parameter that is a table, at least one signal, each of which is there once. whole wants signals that are
// whole numbers. Techniques that ATT&CK does not have are refused.
func signals(name string, whole bool, def table, says string) param {
	kind := "techniques by signal"
	if whole {
		kind = "techniques by number"
	}
	return param{name: name, kind: kind, def: def, says: says, read: func(n *yamlx.Node, _ match.Limits) (any, error) {
		if n.Kind != yamlx.MapNode || len(n.Keys) == 0 {
			return nil, want(n, "a mapping of signals to lists of techniques")
		}
		t := table{}
		var errs []error
		for i, key := range n.Keys { // a key that is given twice is refused when the file is read
			if v, err := strconv.ParseInt(key.Text, 10, 64); whole && (err != nil || strconv.FormatInt(v, 10) != key.Text) {
				errs = append(errs, want(key, "a whole number as signal"))
			}
			techniques, err := listOf(n.Items[i], "a list of techniques", technique)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			t[key.Text] = techniques.([]string) //nolint:forcetypeassert // technique gives texts
		}
		if len(errs) > 0 {
			return nil, errors.Join(errs...)
		}
		return t, nil
	}}
}

func technique(n *yamlx.Node) (string, error) {
	id, is := textOf(n)
	if !is {
		return "", want(n, "a technique, such as T1110")
	}
	if err := attack.CheckActive(id); err != nil {
		return "", &yamlx.Error{Pos: n.Pos, Err: err}
	}
	return id, nil
}

// tables returns parameters that are tables. An emit that no signal of them selects never fires, and is a fault.
func (u *use) tables(names ...string) []table {
	out := make([]table, len(names))
	for i, name := range names {
		out[i] = value[table](u, name)
	}
	for i := range u.Emits {
		used := slices.ContainsFunc(out, func(t table) bool {
			for _, techniques := range t {
				if selects(techniques, &u.Emits[i]) {
					return true
				}
			}
			return false
		})
		if !used {
			u.fault(fmt.Errorf("no signal stands for %s: name it in the parameters of the lifter, or remove this emit", u.Emits[i].Technique()), "emits", i)
		}
	}
	return out
}

// selects reports whether an emit names one of these techniques.
func selects(techniques []string, e *tagger.Emit) bool {
	return slices.Contains(techniques, e.TechniqueID) || e.SubTechniqueID != "" && slices.Contains(techniques, e.SubTechniqueID)
}

// A selection is, for each emit of a rule, the signals that select it, in the order in which they came.
type selection[S any] [][]S

// add adds a signal to the emits that it selects.
func (s selection[S]) add(emits []tagger.Emit, techniques []string, signal S) {
	for i := range emits {
		if selects(techniques, &emits[i]) {
			s[i] = append(s[i], signal)
		}
	}
}

// emit has the selected emits fire, their signals shown under key, and reports whether there is one.
func (s selection[S]) emit(f *finding, scale float64, key string) bool {
	for i, signals := range s {
		if len(signals) > 0 {
			f.emit(i, scale, map[string]any{key: signals})
		}
	}
	return len(f.emits) > 0
}
