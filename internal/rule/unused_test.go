package rule_test

import (
	"errors"
	"testing"
)

func TestSelectionThatIsNotUsedIsAWarning(t *testing.T) {
	t.Parallel()
	const id = `rule "6a1f7c6e-0f0a-4b9e-9f57-3c1f0b9a7d11": `
	const unused = "s.yml:18:5: " + id + `selection "sel_b" is not used in the condition [unused-selection]`
	for condition, want := range map[string]string{
		"selection":                     unused,
		"not (selection)":               unused,
		"[selection, sel_a]":            unused,
		"selection or 1 of other*":      unused,
		"selection or sel_b":            "",
		"selection and(not sel_b)":      "",
		"selection or 1 of sel_*":       "",
		"all of sel*":                   "",
		"1 of them":                     "",
		"[selection, 'not 1 of sel_?']": "",
	} {
		r := sigmaOf(t, "    condition: selection\n",
			"    condition: "+condition+"\n    sel_b: {User: b}\n    _aside: {User: c}\n    other: {User: d}\n    sel_a: {User: e}\n")
		got := ""
		for _, w := range r.Warnings {
			if w.Error() == unused {
				got = unused
			}
		}
		if got != want {
			t.Errorf("warnings of %q = %v, want %q", condition, errors.Join(r.Warnings...), want)
		}
	}
	if r := sigmaOf(t); len(r.Warnings) > 0 {
		t.Errorf("warnings of a rule that uses all = %v", r.Warnings)
	}
}
