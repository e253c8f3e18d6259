package rule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"ttpworker/internal/attack"
	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

func (c *checker) emits() []tagger.Emit {
	if len(c.file.Emits) == 0 {
		c.fault(errors.New("emits is missing: a rule names at least one technique"), "emits")
	}
	if !c.fits(len(c.file.Emits), "emits") {
		return nil
	}
	var emits []tagger.Emit
	for i, e := range c.file.Emits {
		c.technique(i, e)
		out := tagger.Emit{
			Tactic: e.Tactic, TechniqueID: e.TechniqueID, SubTechniqueID: e.SubTechniqueID,
			MITREURL: attack.URL(cmp.Or(e.SubTechniqueID, e.TechniqueID)),
		}
		switch {
		case e.Confidence == nil:
			c.fault(errors.New("confidence is missing"), "emits", i, "confidence")
		case !(*e.Confidence >= 0 && *e.Confidence <= 1): // NaN is neither
			c.fault(fmt.Errorf("confidence %v is not between 0 and 1", *e.Confidence), "emits", i, "confidence")
		default:
			out.Confidence = *e.Confidence
		}
		same := func(o tagger.Emit) bool {
			return o.Tactic == out.Tactic && o.TechniqueID == out.TechniqueID && o.SubTechniqueID == out.SubTechniqueID
		}
		if slices.ContainsFunc(emits, same) {
			c.fault(errors.New("this technique is emitted twice: both would be one tag"), "emits", i)
		}
		emits = append(emits, out)
	}
	return emits
}

// technique checks one emit against the ATT&CK table.
func (c *checker) technique(i int, e fileEmit) {
	err := attack.Check(e.Tactic, e.TechniqueID, e.SubTechniqueID)
	if err == nil {
		return
	}
	given := map[string]string{"tactic": e.Tactic, "technique_id": e.TechniqueID, "sub_technique_id": e.SubTechniqueID}
	for _, fault := range yamlx.Faults(err) {
		fe, ok := errors.AsType[*attack.FieldError](fault)
		switch {
		case !ok:
			c.fault(fault, "emits", i)
		case given[fe.Field] == "":
			c.fault(fmt.Errorf("%s is %w", fe.Field, fe.Err), "emits", i, fe.Field)
		default:
			c.fault(fe.Err, "emits", i, fe.Field)
		}
	}
}

func (c *checker) evidence() {
	fields := c.file.EvidenceFields
	if !c.fits(len(fields), "evidence_fields") {
		return
	}
	for i, path := range fields {
		switch {
		case !isPath(path):
			c.fault(fmt.Errorf("evidence field %q is no dotted path", path), "evidence_fields", i)
		case path == tagger.CutKey:
			c.fault(fmt.Errorf("evidence field %q is taken: it lists the fields whose texts were cut", path), "evidence_fields", i)
		case slices.Contains(fields[:i], path):
			c.fault(fmt.Errorf("evidence field %q is named twice", path), "evidence_fields", i)
		case c.file.Match.Kind == "" && slices.Equal(c.file.AppliesTo, yamlx.Strings{"email"}): // a lifter refuses it
			c.warn(UnshownEvidence, fmt.Errorf("evidence field %q is not shown: of a mail nothing is copied, and what may leave is shown without being named", path),
				"evidence_fields", i)
		}
	}
}
