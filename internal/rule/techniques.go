package rule

import (
	"fmt"
	"regexp"
	"strings"

	"ttpworker/internal/attack"
	"ttpworker/internal/tagger"
)

// techniqueTag is what follows attack. in a tag that names a technique. Other tags name tactics, groups, software.
var techniqueTag = regexp.MustCompile(`^t[0-9]`)

// emits are the techniques that the tags of a Sigma rule name, each under every tactic it is listed for, in the order
// of the tags and of the matrix. What ATT&CK has replaced becomes what stands there today; what it has given up, or
// does not know, is left out with a warning: a rule is not worse for being older or newer than our table. Without a
// technique there is one emit that names nothing.
func (c *sigmaChecker) emits() []tagger.Emit {
	confidence := c.confidence()
	if !c.fits(len(c.file.Tags), "tags") {
		return nil
	}
	var emits []tagger.Emit
	seen := map[string]bool{}
	for i, tag := range c.file.Tags {
		name, ours := strings.CutPrefix(strings.ToLower(tag), "attack.")
		if !ours || !techniqueTag.MatchString(name) {
			continue
		}
		id := strings.ToUpper(name)
		now, ok := attack.Current(id)
		if !ok {
			c.warn(UnknownTechnique, leftOut(id), "tags", i)
			continue
		}
		if !seen[now] {
			seen[now] = true
			emits = append(emits, emitsOf(now, confidence)...)
		}
	}
	if len(emits) == 0 {
		return []tagger.Emit{{Confidence: confidence}}
	}
	return emits
}

// emitsOf has one emit per tactic of an active technique.
func emitsOf(id string, confidence float64) []tagger.Emit {
	technique, _ := attack.Lookup(id)
	emit := tagger.Emit{TechniqueID: id, Confidence: confidence, MITREURL: attack.URL(id)}
	if technique.IsSub() {
		emit.TechniqueID, emit.SubTechniqueID = technique.Parent(), id
	}
	var emits []tagger.Emit
	for _, tactic := range technique.Tactics {
		emit.Tactic = tactic
		emits = append(emits, emit)
	}
	return emits
}

func leftOut(id string) error {
	if old, known := attack.Lookup(id); known {
		return fmt.Errorf("technique %s is %s in ATT&CK v%s and has no successor: it is left out", id, old.Status, attack.Release)
	}
	return fmt.Errorf("unknown technique %q in ATT&CK v%s: it is left out", id, attack.Release)
}
