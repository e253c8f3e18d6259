package yamlx

import (
	"encoding/json"
	"errors"
	"testing"
)

// FuzzParse wants no panic, no endless work, places from 1:1 on, and JSON that is JSON.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "a: 1", "text: [", "json: {a: [1, ~, 2026-01-01, .inf]}", "strings: [a, b]\nmaybe: c", "---\n...\n---\n", "a: &x [*x]",
		"? [a]\n: {b: c}", "<<: {a: b}", "int: !!int x\n", "\ufeffa: |\n  x\n\ty", "%YAML 1.1\n---\n!x!y z", "\xff", "a: \"\\x\"",
		"wait: 5s\ntable: {a: 1}\ninners: [{x: 1, y: 2}, 3]", billionLaughs(3),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Parse(data, 1<<16)
		checkPlaces(t, err)
		if err != nil {
			return
		}
		var v all
		checkPlaces(t, doc.Decode(&v))
		if v.JSON != nil && !json.Valid(v.JSON) {
			t.Errorf("JSON = %q, want valid JSON", v.JSON)
		}
		var free map[string]JSON
		checkPlaces(t, doc.Decode(&free))
		for key := range free {
			if p := doc.At(key, 0, "x"); p.Line < 1 || p.Col < 1 {
				t.Errorf("At(%q, 0, x) = %v, want a place from 1:1 on", key, p)
			}
		}
	})
}

func checkPlaces(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	faults := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		faults = joined.Unwrap()
	}
	for _, fault := range faults {
		e, ok := errors.AsType[*Error](fault)
		if !ok || e.Line < 1 || e.Col < 1 || e.Err == nil {
			t.Errorf("fault %#v, want an *Error with a place from 1:1 on", fault)
		}
	}
}
