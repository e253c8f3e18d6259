package attack

import (
	"fmt"
	"slices"
	"strings"
)

// The tactics that Defense Evasion of releases before v19 became: its id is that of Stealth now, its short name is gone.
const (
	stealth           = "TA0005"
	defenseImpairment = "TA0112"
)

// FormerDefenseEvasion is the short name of the tactic that v19 split into Stealth and Defense Impairment.
const FormerDefenseEvasion = "defense-evasion"

// Move returns what stands in this release for a technique or sub-technique under a tactic, which may both be those of
// an earlier one. The technique is the one that took its place. The tactic stays if it lists that one; else it is the
// part of the former Defense Evasion that does, if that was meant, or the only tactic there is. The error says what is to
// be chosen instead.
func Move(tactic, id string) (newTactic, newID string, err error) {
	t := embedded()
	newID, ok := t.current(id)
	if !ok {
		return "", "", t.checkActive(id)
	}
	if err := t.checkTactic(tactic); err != nil {
		return "", "", err
	}
	listed := t.techniques[newID].Tactics
	switch {
	case slices.Contains(listed, tactic):
		return tactic, newID, nil
	case tactic == stealth && slices.Contains(listed, defenseImpairment):
		return defenseImpairment, newID, nil
	case len(listed) == 1:
		return listed[0], newID, nil
	}
	choices := make([]string, len(listed))
	for i, id := range listed {
		choices[i] = t.describe(id)
	}
	return "", "", fmt.Errorf("technique %s is not listed under %s in ATT&CK v%s: choose %s",
		newID, t.describe(tactic), Release, strings.Join(choices, " or "))
}

// DefenseEvasionOf returns which tactics the former Defense Evasion is now for techniques of this release, in matrix
// order.
func DefenseEvasionOf(ids ...string) []Tactic {
	t := embedded()
	var found []Tactic
	for _, tactic := range t.tactics {
		if tactic.ID != stealth && tactic.ID != defenseImpairment {
			continue
		}
		if slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(t.techniques[id].Tactics, tactic.ID) }) {
			found = append(found, tactic)
		}
	}
	return found
}
