package rule

import (
	"fmt"
	"strings"

	"ttpworker/internal/attack"
	"ttpworker/internal/yamlx"
)

// tags migrates a Sigma rule: techniques, and the tactic that is not there any more.
func (m *migrator) tags() {
	list := m.root.Get("tags")
	if list == nil {
		return
	}
	var techniques []string
	for _, n := range list.Items {
		if id := m.techniqueTag(n); id != "" {
			techniques = append(techniques, id)
		}
	}
	for _, n := range list.Items {
		m.tacticTag(n, techniques)
	}
}

// attackTag is what follows attack. in a tag, in small letters, "" for another tag.
func attackTag(n *yamlx.Node) string {
	name, ours := strings.CutPrefix(strings.ToLower(n.Text), "attack.")
	if n.Kind != yamlx.TextNode || !ours {
		return ""
	}
	return name
}

// techniqueTag migrates a tag that names a technique, and returns the one of this release; "" for another tag.
func (m *migrator) techniqueTag(n *yamlx.Node) string {
	name := attackTag(n)
	if !techniqueTag.MatchString(name) {
		return ""
	}
	id := strings.ToUpper(name)
	now, ok := attack.Current(id)
	if !ok {
		m.leave(n, leftOut(id))
		return ""
	}
	if now == id {
		return id
	}
	prefix, written := n.Text[:len("attack.")], now
	if n.Text[len(prefix)] == 't' {
		written = strings.ToLower(now)
	}
	if err := m.replace(n, prefix+written); err != nil {
		m.leave(n, fmt.Errorf("write %s: %w", prefix+written, err))
	}
	return now
}

// tacticTag migrates the tag of a tactic that is two today, for the techniques of its rule.
func (m *migrator) tacticTag(n *yamlx.Node, techniques []string) {
	if strings.ReplaceAll(attackTag(n), "_", "-") != attack.FormerDefenseEvasion {
		return
	}
	prefix := n.Text[:len("attack.")]
	switch now := attack.DefenseEvasionOf(techniques...); len(now) {
	case 0:
		m.leave(n, fmt.Errorf("%s is no tactic in ATT&CK v%s, and none of what it became lists a technique of this rule: take it out", n.Text, attack.Release))
	case 1:
		if err := m.replace(n, prefix+now[0].ShortName); err != nil {
			m.leave(n, fmt.Errorf("write %s: %w", prefix+now[0].ShortName, err))
		}
	default:
		m.leave(n, fmt.Errorf("%s is two tactics in ATT&CK v%s, and this rule has techniques of both: choose %s%s or %s%s, or write both",
			n.Text, attack.Release, prefix, now[0].ShortName, prefix, now[1].ShortName))
	}
}
