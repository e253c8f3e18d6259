package match

import (
	"slices"
	"testing"
)

// A languageCase is a detection, payloads that match it, and payloads that do not.
type languageCase struct {
	name      string
	detection string
	yes, no   []string
}

// languageCases are all tables of whole detections.
func languageCases() []languageCase {
	return slices.Concat(conditionCases(), fieldCases(), keywordCases(), valueCases(), compareCases(), networkCases(), referenceCases(), timeCases())
}

func TestLanguage(t *testing.T) {
	for _, tt := range languageCases() {
		t.Run(tt.name, func(t *testing.T) {
			d := compileJSON(t, tt.detection)
			for _, payload := range tt.yes {
				checkMatch(t, d, payload, true)
			}
			for _, payload := range tt.no {
				checkMatch(t, d, payload, false)
			}
		})
	}
}

// What an index finds does not depend on what else it holds, nor what it finds in a payload on those before.
func TestLanguageInOneIndex(t *testing.T) {
	cases := languageCases()
	ds := make([]*Detection, len(cases))
	for i, tt := range cases {
		ds[i] = compileJSON(t, tt.detection)
	}
	x, s := indexOf(ds...), NewScratch()
	for _, tt := range cases {
		for _, payload := range slices.Concat(tt.yes, tt.no) {
			checkIndex(t, x, ds, []byte(payload), s)
		}
	}
}

func conditionCases() []languageCase {
	abc := `"a": {"a": 1}, "b": {"b": 1}, "c": {"c": 1}, "condition": `
	return []languageCase{
		{
			name: "a selection is all of its fields", detection: `{"s": {"a": "x", "b": "y"}, "condition": "s"}`,
			yes: []string{`{"a":"x","b":"y"}`, `{"b":"y","z":0,"a":"X"}`},
			no:  []string{`{"a":"x"}`, `{"b":"y"}`, `{"a":"y","b":"x"}`, `{}`},
		},
		{
			name: "a list of mappings is any of them", detection: `{"s": [{"a": "x", "b": "y"}, {"c": "z"}], "condition": "s"}`,
			yes: []string{`{"a":"x","b":"y"}`, `{"c":"z"}`, `{"a":"x","c":"z"}`},
			no:  []string{`{"a":"x"}`, `{"a":"z"}`},
		},
		{
			name: "a list of values is any of them", detection: `{"s": {"a": ["x", 1, true]}, "condition": "s"}`,
			yes: []string{`{"a":"x"}`, `{"a":1}`, `{"a":"1"}`, `{"a":true}`, `{"a":"TRUE"}`},
			no:  []string{`{"a":"y"}`, `{"a":11}`, `{"a":false}`, `{"a":null}`},
		},
		{
			name: "and binds closer than or", detection: `{` + abc + `"a or b and c"}`,
			yes: []string{`{"a":1}`, `{"b":1,"c":1}`, `{"a":1,"b":1}`}, no: []string{`{"b":1}`, `{"c":1}`},
		},
		{
			name: "and binds closer than or on the left too", detection: `{` + abc + `"a and b or c"}`,
			yes: []string{`{"c":1}`, `{"a":1,"b":1}`}, no: []string{`{"b":1}`, `{"a":1}`},
		},
		{
			name: "not binds closer than and", detection: `{` + abc + `"not a and b"}`,
			yes: []string{`{"b":1}`}, no: []string{`{}`, `{"a":1,"b":1}`, `{"a":1}`},
		},
		{
			name: "parentheses come first", detection: `{` + abc + `"(a or b) and c"}`,
			yes: []string{`{"a":1,"c":1}`, `{"b":1,"c":1}`}, no: []string{`{"a":1}`, `{"a":1,"b":1}`, `{"c":1}`},
		},
		{
			name: "parentheses need no space around them", detection: `{` + abc + `"not(a or(b))and(c)"}`,
			yes: []string{`{"c":1}`}, no: []string{`{"a":1,"c":1}`, `{"b":1,"c":1}`, `{}`},
		},
		{
			name: "not of not is nothing", detection: `{` + abc + `"not not a"}`,
			yes: []string{`{"a":1}`}, no: []string{`{}`, `{"a":2}`},
		},
		{
			name: "not in front of a parenthesis negates all of it", detection: `{` + abc + `"not (a and b)"}`,
			yes: []string{`{}`, `{"a":1}`, `{"b":1}`}, no: []string{`{"a":1,"b":1}`},
		},
		{
			name: "not of a quantity negates all of it", detection: `{"x1": {"a": 1}, "x2": {"b": 1}, "condition": "not 1 of x*"}`,
			yes: []string{`{}`}, no: []string{`{"a":1}`, `{"b":1}`},
		},
		{
			name: "keywords of a condition have no case", detection: `{` + abc + `"a AND b Or nOt c"}`,
			yes: []string{`{"a":1,"b":1,"c":1}`, `{}`}, no: []string{`{"c":1}`},
		},
		{
			name: "1 of a pattern", detection: `{"x1": {"a": 1}, "x2": {"b": 1}, "y": {"c": 1}, "condition": "1 of x*"}`,
			yes: []string{`{"a":1}`, `{"b":1}`}, no: []string{`{"c":1}`, `{}`},
		},
		{
			name: "all of a pattern", detection: `{"x1": {"a": 1}, "x2": {"b": 1}, "y": {"c": 1}, "condition": "all of x*"}`,
			yes: []string{`{"a":1,"b":1}`}, no: []string{`{"a":1,"c":1}`, `{}`},
		},
		{
			name: "a pattern may have its star anywhere", detection: `{"a_x_b": {"a": 1}, "a_y_b": {"b": 1}, "a_x": {"c": 1}, "condition": "all of a*b and not 1 of *x"}`,
			yes: []string{`{"a":1,"b":1}`}, no: []string{`{"a":1}`, `{"a":1,"b":1,"c":1}`},
		},
		{
			name: "a pattern may be the name of one selection", detection: `{"x": {"a": 1}, "xy": {"b": 1}, "condition": "1 of x"}`,
			yes: []string{`{"a":1}`}, no: []string{`{"b":1}`},
		},
		{
			name: "a pattern sees the case of names", detection: `{"x1": {"a": 1}, "X1": {"b": 1}, "condition": "1 of x*"}`,
			yes: []string{`{"a":1}`}, no: []string{`{"b":1}`},
		},
		{
			name: "1 of them leaves names with an underscore out", detection: `{"x": {"a": 1}, "_y": {"b": 1}, "condition": "1 of them"}`,
			yes: []string{`{"a":1}`}, no: []string{`{"b":1}`},
		},
		{
			name: "all of them leaves names with an underscore out", detection: `{"x": {"a": 1}, "z": {"c": 1}, "_y": {"b": 1}, "condition": "all of them"}`,
			yes: []string{`{"a":1,"c":1}`}, no: []string{`{"a":1,"b":1}`},
		},
		{
			name: "a pattern does not leave names with an underscore out", detection: `{"x": {"a": 1}, "_y": {"b": 1}, "condition": "all of *"}`,
			yes: []string{`{"a":1,"b":1}`}, no: []string{`{"a":1}`},
		},
		{
			name: "of a list of conditions one is enough", detection: `{` + abc + `["a and b", "c"]}`,
			yes: []string{`{"c":1}`, `{"a":1,"b":1}`}, no: []string{`{"a":1}`},
		},
		{
			name: "a selection may be named by a number", detection: `{"1": {"a": 1}, "2": {"b": 1}, "condition": 1}`,
			yes: []string{`{"a":1}`}, no: []string{`{"b":1}`},
		},
		{
			name: "a selection that the condition leaves out says nothing", detection: `{` + abc + `"a"}`,
			yes: []string{`{"a":1}`, `{"a":1,"b":2}`}, no: []string{`{"b":1}`},
		},
		{
			name: "a selection that is asked and negated is never true", detection: `{` + abc + `"a and not a"}`,
			no: []string{`{"a":1}`, `{}`},
		},
		{
			name: "a selection or not that selection is always true", detection: `{` + abc + `"a or not a"}`,
			yes: []string{`{"a":1}`, `{}`},
		},
		{
			name: "a negated list of values is none of them", detection: `{"s": {"a": ["x", "y"]}, "condition": "not s"}`,
			yes: []string{`{"a":"z"}`, `{}`, `{"a":null}`}, no: []string{`{"a":"x"}`, `{"a":["z","y"]}`},
		},
		{
			name: "names of selections may be those of fields and have dots", detection: `{"a.b": {"c": 1}, "condition": "a.b"}`,
			yes: []string{`{"c":1}`}, no: []string{`{"a":{"b":1}}`},
		},
	}
}
