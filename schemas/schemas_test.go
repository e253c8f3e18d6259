package schemas_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"ttpworker/internal/yamlx"
	"ttpworker/rules"
	"ttpworker/schemas"
)

// avroField is what a person reads in a schema. Whether it is Avro is internal/wire's test.
type avroField struct {
	Name    string          `json:"name"`
	Doc     string          `json:"doc"`
	Type    json.RawMessage `json:"type"`
	Default json.RawMessage `json:"default"`
}

func TestEveryAvroFieldIsDocumented(t *testing.T) {
	for name, text := range map[string]string{
		"TaggerEvent": schemas.TaggerEvent(), "Tag": schemas.Tag(),
		"RuleReloaded": schemas.RuleReloaded(), "RuleState": schemas.RuleState(),
		"RuleArchive": schemas.RuleArchive(),
	} {
		t.Run(name, func(t *testing.T) {
			var rec struct {
				Name, Namespace, Doc string
				Fields               []avroField
			}
			if err := json.Unmarshal([]byte(text), &rec); err != nil {
				t.Fatal(err)
			}
			if rec.Name != name || rec.Namespace != "ttp" || rec.Doc == "" {
				t.Errorf("record %q in %q with doc %q, want %q in ttp, documented", rec.Name, rec.Namespace, rec.Doc, name)
			}
			for _, f := range rec.Fields {
				if f.Doc == "" {
					t.Errorf("field %s has no doc", f.Name)
				}
				nullable := strings.HasPrefix(strings.Join(strings.Fields(string(f.Type)), ""), `["null"`)
				if nullable != (string(f.Default) == "null") {
					t.Errorf("field %s: nullable %t, default %q: a nullable field, and no other, has the default null", f.Name, nullable, f.Default)
				}
				if nullable && !strings.Contains(f.Doc, "Null") {
					t.Errorf("field %s does not say what null means", f.Name)
				}
			}
		})
	}
}

func ruleSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schemas.Rule()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("rule.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("rule.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const minimalRule = `{
	"rule_id": "R0014", "rule_version": 1, "name": "etc_shadow_read", "description": "Reads the shadow file.",
	"applies_to": ["command"], "match": {"pattern": "/etc/shadow"}, "evidence_fields": ["command_text"],
	"emits": [{"tactic": "TA0006", "technique_id": "T1003", "sub_technique_id": "T1003.008", "confidence": 0.95}]
}`

func TestRuleSchema(t *testing.T) {
	schema := ruleSchema(t)
	for _, tt := range []struct {
		name string
		edit string // a JSON object laid over minimalRule
		want bool
	}{
		{name: "the least rule", edit: `{}`, want: true},
		{name: "everything there is", want: true, edit: `{
			"match": {"pattern": ["(?i)a", "b"], "field": ["command_text", "headers"]}, "author": "TTP worker",
			"references": ["https://attack.mitre.org/techniques/T1003/008/"],
			"tests": [{"name": "plain cat", "kind": "command", "payload": {"command_text": "cat /etc/shadow"}, "expect": ["T1003.008"]},
				{"name": "another file", "payload": {}, "expect": []}]}`},
		{name: "one field", edit: `{"match": {"pattern": "a", "field": "headers"}}`, want: true},
		{name: "sub-technique null", edit: `{"emits": [{"tactic": "TA0006", "technique_id": "T1003", "sub_technique_id": null, "confidence": 1}]}`, want: true},
		{name: "sub-technique absent", edit: `{"emits": [{"tactic": "TA0006", "technique_id": "T1003", "confidence": 0}]}`, want: true},
		{name: "one technique twice in the expectation", want: true, edit: `{"tests": [{"name": "a", "payload": {}, "expect": ["T1003", "T1003"]}]}`},
		{name: "unknown key", edit: `{"severity": "high"}`},
		{name: "unknown key in match", edit: `{"match": {"pattern": "a", "regex": "a"}}`},
		{name: "unknown key in emits", edit: `{"emits": [{"tactic": "TA0006", "technique_id": "T1003", "confidence": 1, "technique": "T1003"}]}`},
		{name: "unknown key in tests", edit: `{"tests": [{"name": "a", "payload": {}, "expect": [], "event": {}}]}`},
		{name: "rule_id with a space", edit: `{"rule_id": "R 14"}`},
		{name: "rule_id too long", edit: `{"rule_id": "` + strings.Repeat("R", 129) + `"}`},
		{name: "rule_version 0", edit: `{"rule_version": 0}`},
		{name: "rule_version is a string", edit: `{"rule_version": "1"}`},
		{name: "no source kind", edit: `{"applies_to": []}`},
		{name: "match without pattern", edit: `{"match": {"field": "command_text"}}`},
		{name: "empty list of patterns", edit: `{"match": {"pattern": []}}`},
		{name: "pattern is a number", edit: `{"match": {"pattern": 7}}`},
		{name: "emits nothing", edit: `{"emits": []}`},
		{name: "confidence over 1", edit: `{"emits": [{"tactic": "TA0006", "technique_id": "T1003", "confidence": 1.5}]}`},
		{name: "sub-technique as technique", edit: `{"emits": [{"tactic": "TA0006", "technique_id": "T1003.008", "confidence": 1}]}`},
		{name: "sub-technique by its last part", edit: `{"emits": [{"tactic": "TA0006", "technique_id": "T1003", "sub_technique_id": "008", "confidence": 1}]}`},
		{name: "tactic by name", edit: `{"emits": [{"tactic": "credential-access", "technique_id": "T1003", "confidence": 1}]}`},
		{name: "test without payload", edit: `{"tests": [{"name": "a", "expect": []}]}`},
		{name: "name is null", edit: `{"name": null}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := map[string]json.RawMessage{}
			for _, text := range []string{minimalRule, tt.edit} {
				if err := json.Unmarshal([]byte(text), &doc); err != nil {
					t.Fatal(err)
				}
			}
			merged, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			rule, err := jsonschema.UnmarshalJSON(strings.NewReader(string(merged)))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(rule); (err == nil) != tt.want {
				t.Errorf("Validate(%s) = %v, want valid: %t", merged, err, tt.want)
			}
		})
	}
}

func TestRuleSchemaRequiresItsKeys(t *testing.T) {
	schema := ruleSchema(t)
	for _, key := range []string{"rule_id", "rule_version", "name", "applies_to", "match", "emits"} {
		var doc map[string]any
		if err := json.Unmarshal([]byte(minimalRule), &doc); err != nil {
			t.Fatal(err)
		}
		delete(doc, key)
		if err := schema.Validate(doc); err == nil {
			t.Errorf("a rule without %s is valid, want an error", key)
		}
	}
}

// The rules that come with the worker are the first thing an editor is pointed at.
func TestRulePackFollowsTheSchema(t *testing.T) {
	schema := ruleSchema(t)
	files, err := fs.Glob(rules.Pack(), "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob = %q, %v, want rules", files, err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(rules.Pack(), file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := yamlx.Parse(text, len(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var data yamlx.JSON
		if err := doc.Decode(&data); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		rule, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := schema.Validate(rule); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
