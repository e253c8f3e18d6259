package rule

import (
	"errors"
	"fmt"
	"strings"

	"ttpworker/internal/tagger/lift"
	"ttpworker/internal/yamlx"
)

// lifterPrefix begins match.kind; the name of a lifter follows.
const lifterPrefix = "lifter:"

// lift compiles the lifter of a rule whose kinds, emits and evidence are known. It returns nil where something is wrong.
func (c *checker) lift(r *Rule) *lift.Lift {
	for _, key := range []string{"pattern", "field", "detection", "lists"} {
		if _, missing := c.doc.Find("match", key); !missing {
			c.fault(fmt.Errorf("match has a kind and %s: a lifter takes nothing but parameters", key), "match", key)
		}
	}
	name, ok := strings.CutPrefix(c.file.Match.Kind, lifterPrefix)
	if !ok {
		c.fault(fmt.Errorf("unknown match kind %q: it is %q and the name of a lifter", c.file.Match.Kind, lifterPrefix), "match", "kind")
		return nil
	}
	l, err := lift.Compile(lift.Use{
		Lifter: name, Parameters: c.file.Match.Parameters, Kinds: r.Kinds, Emits: r.Emits, Evidence: r.EvidenceFields,
		At: c.doc.At, Limits: c.parser.Limits,
	})
	for _, fault := range yamlx.Faults(err) {
		if e, is := errors.AsType[*yamlx.Error](fault); is && !c.at[e.Pos] { // the first fault of a value says why
			c.add(e)
		}
	}
	return l
}
