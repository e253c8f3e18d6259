package rule_test

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"ttpworker/internal/rule"
	"ttpworker/internal/yamlx"
	"ttpworker/rules"
	"ttpworker/schemas"
)

// beyondSchema are the bad files whose faults a JSON Schema cannot see: they are about the meaning of a text.
var beyondSchema = map[string]bool{
	"pattern_too_large":   true,
	"unknown_lifter_name": true, "lifter_of_other_kinds": true, "lifter_evidence": true, "lifter_parameters": true, "lifter_parameter_types": true,
	"lifter_silent_emit": true,
	"emit_twice":         true, "kind_without_default_field": true, "regex": true, "regex_backspace": true, "revoked_technique": true,
	"sub_technique_of_another_parent": true, "technique_of_another_tactic": true, "test_expects_what_is_never_emitted": true,
	"unknown_technique": true,
}

// checkSchema validates a rule file against the published schema. It reports false for a file that is no YAML.
func checkSchema(t *testing.T, schema *jsonschema.Schema, data []byte) (isYAML bool, err error) {
	t.Helper()
	doc, err := yamlx.Parse(data, rule.DefaultMaxBytes)
	if err != nil {
		return false, err
	}
	var whole map[string]yamlx.JSON
	if err := doc.Decode(&whole); err != nil {
		return false, err
	}
	raw := map[string]json.RawMessage{}
	for key, value := range whole {
		raw[key] = json.RawMessage(value)
	}
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return true, schema.Validate(instance)
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schemas.Rule()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("rule.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("rule.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestSchemaTakesGoodRules is about editors: what loads must not be underlined in red.
func TestSchemaTakesGoodRules(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	good := map[string][]byte{"simple": []byte(simple), "full": []byte(full), "detection": []byte(withDetection), "lifter": []byte(withLifter)}
	files, err := fs.Glob(rules.Pack(), "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("shipped rules = %v, %v, want some", files, err)
	}
	for _, name := range files {
		if good[name], err = fs.ReadFile(rules.Pack(), name); err != nil {
			t.Fatal(err)
		}
	}
	lists, err := rule.ReadLists(rules.Pack(), rule.ListsName, rule.ListsName, rule.DefaultMaxBytes, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range good {
		if _, _, err := parser().ParseWith(lists, name, data); err != nil {
			t.Errorf("Parse(%s) = %v, want no error", name, err)
		}
		if _, err := checkSchema(t, schema, data); err != nil {
			t.Errorf("schema of %s: %v, want it valid", name, err)
		}
	}
}

func TestSchemaRefusesBadRulesAsFarAsItCan(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	for file, data := range badFiles(t) {
		name := strings.TrimSuffix(file, ".bad.yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			isYAML, err := checkSchema(t, schema, data)
			if !isYAML {
				t.Skipf("nothing to validate: %v", err)
			}
			if (err == nil) != beyondSchema[name] {
				t.Errorf("schema of %s: %v, want a fault: %v", file, err, !beyondSchema[name])
			}
		})
	}
}
