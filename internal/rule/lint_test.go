package rule_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"ttpworker/internal/rule"
)

// The schema knows the warnings that a rule can acknowledge, and no others.
func TestSchemaNamesTheWarnings(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../schemas/rule.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs struct{ Warning struct{ Enum []string } } `json:"$defs"`
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	names := schema.Defs.Warning.Enum
	r, err := parser().Parse("x.yaml", fmt.Appendf(nil, "%slint: {allow: [%s]}\n", simple, strings.Join(names, ", ")))
	if err != nil || len(r.Allow) != len(names) {
		t.Fatalf("Parse with all names of the schema = %v", err)
	}
	_, err = parser().Parse("x.yaml", []byte(simple+"lint: {allow: other}\n"))
	if want := "one of " + strings.Join(names, ", "); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("Parse with another name = %v, want it to end with %q", err, want)
	}
}

func TestLintOfASigmaRule(t *testing.T) {
	t.Parallel()
	if r := sigmaOf(t, "level: high\n", "level: high\nlint: {allow: short-literal}\n"); len(r.Allow) != 1 || r.Allow[0].Name != "short-literal" || r.Allow[0].At.Line == 0 {
		t.Errorf("allowances = %+v, want short-literal and its place", r.Allow)
	}
	r := sigmaOf(t, "level: high\n", "level: high\nlint: {author: x}\n")
	w, ok := errors.AsType[*rule.Error](errors.Join(r.Warnings...))
	if !ok || w.Name != rule.BadAllow || len(r.Allow) > 0 {
		t.Errorf("warnings of a lint key that means something else = %v", r.Warnings)
	}
}
