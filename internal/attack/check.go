package attack

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The fields of a rule's emit that Check looks at, as they are called in a rule file.
const (
	fieldTactic       = "tactic"
	fieldTechnique    = "technique_id"
	fieldSubTechnique = "sub_technique_id"
)

// A FieldError says what is wrong with one field of an emit.
type FieldError struct {
	Field string // tactic, technique_id or sub_technique_id
	Err   error  // what is wrong, without the field's name
}

// Error returns the fault with its field.
func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns the fault.
func (e *FieldError) Unwrap() error { return e.Err }

// Check reports whether a rule may emit this: the tactic and the technique exist and are written as ids, the
// technique is active in this release, sub is a sub-technique of it or empty, and what is meant (sub if given,
// else technique) is listed under the tactic. The error joins one *FieldError per fault by errors.Join, in the
// order tactic, technique_id, sub_technique_id, and so has a method Unwrap() []error. That a technique is not
// listed under the tactic is a fault of the tactic, and only told when the three are right by themselves.
func Check(tactic, technique, sub string) error {
	t := embedded()
	var faults []error
	fault := func(field string, err error) {
		if err != nil {
			faults = append(faults, &FieldError{Field: field, Err: err})
		}
	}
	fault(fieldTactic, t.checkTactic(tactic))
	fault(fieldTechnique, t.checkTechnique(technique))
	fault(fieldSubTechnique, t.checkSubTechnique(technique, sub))
	if len(faults) == 0 {
		fault(fieldTactic, t.checkListed(tactic, technique, sub))
	}
	return errors.Join(faults...)
}

// CheckID reports what is wrong with the id of a tactic, or of a technique or sub-technique of this release.
func CheckID(id string) error {
	t := embedded()
	if strings.HasPrefix(tidy(id), "TA") {
		return t.checkTactic(id)
	}
	return t.checkActive(id)
}

// checkTactic wants an id: tag ids are derived from the text, so there must be one spelling.
func (t *table) checkTactic(tactic string) error {
	if tactic == "" {
		return errors.New("missing, want an id such as TA0006")
	}
	if found, ok := t.tactic(tactic); ok {
		if found.ID != tactic {
			return fmt.Errorf("%q is a short name: write %s", tactic, found.ID)
		}
		return nil
	}
	if meant, ok := t.tactic(tidy(tactic)); ok {
		return fmt.Errorf("unknown tactic %q: did you mean %s?", tactic, meant.ID)
	}
	return fmt.Errorf("unknown tactic %q in ATT&CK v%s", tactic, Release)
}

func (t *table) checkTechnique(id string) error {
	if id == "" {
		return errors.New("missing, want an id such as T1003")
	}
	if err := t.checkActive(id); err != nil {
		return err
	}
	if parent := parentID(id); parent != "" {
		return fmt.Errorf("%s is a sub-technique: write %s here and %s as %s", id, parent, id, fieldSubTechnique)
	}
	return nil
}

// checkSubTechnique checks sub by itself and against the technique it is to be part of. That one may be wrong.
func (t *table) checkSubTechnique(technique, sub string) error {
	if sub == "" {
		return nil
	}
	if strings.HasPrefix(sub, ".") || isDigits(sub) { // 008 or .008, as some write it
		full := technique + "." + strings.TrimPrefix(sub, ".")
		if _, ok := t.techniques[full]; ok {
			return fmt.Errorf("%q is not a full id: write %s", sub, full)
		}
	}
	if err := t.checkActive(sub); err != nil {
		return err
	}
	parent := parentID(sub)
	if parent == "" {
		return fmt.Errorf("%s is not a sub-technique", sub)
	}
	if _, known := t.techniques[technique]; known && parentID(technique) == "" && parent != technique {
		return fmt.Errorf("%s is a sub-technique of %s, not of %s", sub, parent, technique)
	}
	return nil
}

// CheckActive reports whether this release has a technique or sub-technique with this id. The error names the successor of
// one that was replaced.
func CheckActive(id string) error { return embedded().checkActive(id) }

// checkActive wants a technique or sub-technique that this release has, and names its successor if it was replaced.
func (t *table) checkActive(id string) error {
	technique, ok := t.techniques[id]
	if !ok {
		if meant, found := t.techniques[tidy(id)]; found {
			return fmt.Errorf("unknown technique %q: did you mean %s?", id, meant.ID)
		}
		return fmt.Errorf("unknown technique %q in ATT&CK v%s", id, Release)
	}
	if technique.Status == Active {
		return nil
	}
	if next, found := t.current(id); found {
		return fmt.Errorf("technique %s is %s in ATT&CK v%s: use %s", id, technique.Status, Release, next)
	}
	return fmt.Errorf("technique %s is %s in ATT&CK v%s and has no successor", id, technique.Status, Release)
}

// checkListed wants three ids that are right by themselves.
func (t *table) checkListed(tactic, technique, sub string) error {
	id := technique
	if sub != "" {
		id = sub
	}
	listed := t.techniques[id].Tactics
	if slices.Contains(listed, tactic) {
		return nil
	}
	return fmt.Errorf("technique %s is not listed under %s: it is under %s",
		id, t.describe(tactic), t.describe(listed...))
}

// describe names tactics as "TA0006 (Credential Access)", joined by commas.
func (t *table) describe(ids ...string) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		tactic, _ := t.tactic(id)
		texts[i] = fmt.Sprintf("%s (%s)", id, tactic.Name)
	}
	return strings.Join(texts, ", ")
}

// tidy undoes the slips of writing an id: white space around it and small letters.
func tidy(id string) string { return strings.ToUpper(strings.TrimSpace(id)) }

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
