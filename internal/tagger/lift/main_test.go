package lift

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/payload"
	"ttpworker/internal/yamlx"
)

// useOf is what a rule of these kinds says to a lifter, with an emit for each technique of its default tables, else one;
// parameters is YAML, "" = none.
func useOf(t testing.TB, name, parameters string, kinds ...string) Use {
	t.Helper()
	var file struct {
		Parameters *yamlx.Node `yaml:"parameters"`
	}
	if parameters != "" {
		doc, err := yamlx.Parse([]byte("parameters:\n  "+strings.ReplaceAll(parameters, "\n", "\n  ")), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if err := doc.Decode(&file); err != nil {
			t.Fatal(err)
		}
	}
	return Use{
		Lifter: name, Parameters: file.Parameters, Kinds: kinds,
		Emits: emitsOf(name),
		At:    func(...any) yamlx.Pos { return yamlx.Pos{Line: 100, Col: 1} },
	}
}

func emitsOf(name string) []tagger.Emit {
	var ids []string
	l, _ := find(name)
	for _, p := range l.params {
		if t, is := p.def.(table); is {
			ids = slices.Concat(append(slices.Collect(maps.Values(t)), ids)...)
		}
	}
	if len(ids) == 0 {
		ids = []string{"T1110"}
	}
	slices.Sort(ids)
	var emits []tagger.Emit
	for _, id := range slices.Compact(ids) {
		emits = append(emits, tagger.Emit{Tactic: "TA0006", TechniqueID: id, Confidence: 0.5})
	}
	return emits
}

// compile compiles a lifter over all kinds that it reads.
func compile(t testing.TB, name, parameters string) *Lift {
	t.Helper()
	l, ok := find(name)
	if !ok {
		t.Fatalf("no lifter %q", name)
	}
	lifted, err := Compile(useOf(t, name, parameters, l.kinds...))
	if err != nil {
		t.Fatalf("Compile(%s, %s) = %v, want no error", name, parameters, err)
	}
	return lifted
}

// ask evaluates a lift on a payload.
func ask(t testing.TB, l *Lift, text string) (finding, bool) {
	t.Helper()
	var p payload.Payload
	if err := p.Read(match.NewScratch(), "session", []byte(text)); err != nil {
		t.Fatalf("Read(%s) = %v, want no error", text, err)
	}
	var f finding
	fires := l.logic(&p, &f)
	return f, fires
}

// checkFires asks a lifter with parameters about payloads: those it fires on and those it does not.
func checkFires(t *testing.T, name, parameters string, fires, silent []string) {
	t.Helper()
	l := compile(t, name, parameters)
	for _, text := range fires {
		if _, got := ask(t, l, text); !got {
			t.Errorf("%s {%s} is silent on %s, want it to fire", name, parameters, text)
		}
	}
	for _, text := range silent {
		if _, got := ask(t, l, text); got {
			t.Errorf("%s {%s} fires on %s, want it silent", name, parameters, text)
		}
	}
}

// faults are the places and texts of an error of Compile.
func faults(t *testing.T, err error) []string {
	t.Helper()
	var all []string
	for _, fault := range yamlx.Faults(err) {
		if _, ok := errors.AsType[*yamlx.Error](fault); !ok {
			t.Errorf("fault %v has no place", fault)
		}
		all = append(all, fault.Error())
	}
	return all
}
