package rule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"ttpworker/internal/yamlx"
)

// unused warns of the selections of a good detection that no condition names. Those whose names begin with _ are
// meant to be left alone.
func (r *report) unused(detection *yamlx.Node) {
	names := namesIn(detection.Get("condition"))
	for _, key := range detection.Keys {
		if key.Text == "condition" || strings.HasPrefix(key.Text, "_") || slices.ContainsFunc(names, func(name string) bool {
			return covers(name, key.Text)
		}) {
			continue
		}
		unused := &yamlx.Error{Pos: key.Pos, Err: fmt.Errorf("selection %q is not used in the condition", key.Text)}
		r.warnings = append(r.warnings, warning{unused, UnusedSelection})
	}
}

// namesIn are the words of a condition, or of a list of them: names, patterns of names and keywords.
func namesIn(condition *yamlx.Node) []string {
	if condition == nil {
		return nil
	}
	names := strings.FieldsFunc(condition.Text, func(c rune) bool { return strings.ContainsRune(" \t\r\n()", c) })
	for _, item := range condition.Items {
		names = append(names, namesIn(item)...)
	}
	return names
}

// covers reports whether a word of a condition is about the selection called name. It says so in doubt.
func covers(word, name string) bool {
	if word == name || strings.EqualFold(word, "them") || strings.Contains(word, `\`) {
		return true
	}
	if !strings.ContainsAny(word, "*?") {
		return false
	}
	expr := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(word))
	matched, err := regexp.MatchString("(?is)^"+expr+"$", name)
	return matched || err != nil
}
