package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ttpworker/internal/rule"
)

// Text is a rule file that Parse accepts. The name repeats the version, so that half a rule would show.
func Text(id string, version int) string {
	return fmt.Sprintf("rule_id: %s\nrule_version: %d\nname: version %d\n", id, version, version)
}

// TextUsing is Text of a rule that uses a shared list.
func TextUsing(list, id string, version int) string {
	return Text(id, version) + "uses: " + list + "\n"
}

// Parse reads what Text and TextUsing write, and refuses a file without rule_id, rule_version or name, or whose list is
// not there or has the value bad: the stand-in for the rule format in tests of stores.
func Parse(lists rule.Lists, path string, data []byte) (r *rule.Rule, asked []string, err error) {
	sum := sha256.Sum256(data)
	r = &rule.Rule{File: rule.File{Path: path, SHA256: hex.EncodeToString(sum[:]), Text: string(data)}}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "rule_id":
			r.ID = value
		case "name":
			r.Name = value
		case "rule_version":
			n, err := strconv.Atoi(value)
			if err != nil {
				return nil, nil, &rule.Error{File: path, Rule: r.ID, Err: errors.New("rule_version is no number")}
			}
			r.Version = &n
		case "uses":
			asked = []string{value}
			l := lists[value]
			if l == nil || slices.Contains(l.Values, "bad") {
				return nil, asked, &rule.Error{File: path, Rule: r.ID, Err: fmt.Errorf("list %q is not there, or bad", value)}
			}
			r.Digest = strings.Join(l.Values, " ")
		}
	}
	if r.ID == "" || r.Version == nil || r.Name == "" {
		return nil, asked, &rule.Error{File: path, Rule: r.ID, Err: errors.New("rule_id, rule_version or name is missing")}
	}
	return r, asked, nil
}
