package payload

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/match"
)

func read(t *testing.T, text string) *Payload {
	t.Helper()
	var p Payload
	if err := p.Read(match.NewScratch(), "session", []byte(text)); err != nil {
		t.Fatalf("Read(%s) = %v, want no error", text, err)
	}
	return &p
}

// TestValueIsStrictAboutTypes asks every question of every kind of value: zero and false stand for "no".
func TestValueIsStrictAboutTypes(t *testing.T) {
	t.Parallel()
	type answers struct {
		Text, Int, Number, True, False, Truthy, List bool
	}
	for _, tt := range []struct {
		value string
		want  answers
	}{
		{value: `null`},
		{value: `true`, want: answers{True: true, Truthy: true}},
		{value: `false`, want: answers{False: true}},
		{value: `5`, want: answers{Int: true, Number: true, Truthy: true}},
		{value: `-5`, want: answers{Int: true, Number: true, Truthy: true}},
		{value: `0`, want: answers{Int: true, Number: true}},
		{value: `-0`, want: answers{Int: true, Number: true}},
		{value: `5.0`, want: answers{Number: true, Truthy: true}},
		{value: `5e0`, want: answers{Number: true, Truthy: true}},
		{value: `5E0`, want: answers{Number: true, Truthy: true}},
		{value: `0.00`, want: answers{Number: true}},
		{value: `0e7`, want: answers{Number: true}},
		{value: `"5"`, want: answers{Text: true, Truthy: true}},
		{value: `"true"`, want: answers{Text: true, Truthy: true}},
		{value: `""`, want: answers{Text: true}},
		{value: `" "`, want: answers{Text: true, Truthy: true}},
		{value: `[]`, want: answers{List: true}},
		{value: `[ ]`, want: answers{List: true}},
		{value: `[0]`, want: answers{List: true, Truthy: true}},
		{value: `{ }`},
		{value: `{"a":0}`, want: answers{Truthy: true}},
	} {
		v := read(t, `{"v": `+tt.value+` }`).Get("v")
		var got answers
		_, got.Text = v.Text()
		_, got.Int = v.Int()
		_, got.Number = v.Number()
		_, got.List = v.List()
		got.True, got.False, got.Truthy = v.True(), v.False(), v.Truthy()
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.value, diff)
		}
		if v = read(t, `{"w":`+tt.value+`}`).Get("v"); v != nil || v.Truthy() || v.True() || v.False() {
			t.Errorf("a member that is not there is %q, want nothing", v)
		}
	}
}

func TestValuesOfNumbers(t *testing.T) {
	t.Parallel()
	p := read(t, `{"a":-12,"b":1.5e3,"huge":99999999999999999999,"low":-99999999999999999999,"inf":1e999}`)
	for name, want := range map[string]int64{"a": -12, "huge": math.MaxInt64, "low": math.MinInt64} {
		if got, _ := p.Get(name).Int(); got != want {
			t.Errorf("Int of %s = %d, want %d", name, got, want)
		}
	}
	for name, want := range map[string]float64{"a": -12, "b": 1500, "huge": 1e20, "inf": math.Inf(1)} {
		if got, _ := p.Get(name).Number(); got != want {
			t.Errorf("Number of %s = %v, want %v", name, got, want)
		}
	}
}

func TestTextsAndLists(t *testing.T) {
	t.Parallel()
	p := read(t, `{"\u0061":"x\u00e4\n\"","l":[ "a", 1, null, {"b": [2]} ],"a":"last"}`)
	if got, _ := p.Get("a").Text(); got != "last" {
		t.Errorf("Get(a) of a name that is there twice = %q, want the last", got)
	}
	if got, _ := read(t, `{"\u0061":"x\u00e4\n\"\\"}`).Get("a").Text(); got != "x\u00e4\n\"\\" {
		t.Errorf("Text = %q, want it without escapes", got)
	}
	items, _ := p.Get("l").List()
	var got []string
	for _, item := range items {
		got = append(got, string(item))
	}
	if diff := cmp.Diff([]string{`"a"`, `1`, `null`, `{"b": [2]}`}, got); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

func TestFirstPassesOverWhatIsFalsy(t *testing.T) {
	t.Parallel()
	p := read(t, `{"a":null,"b":"","c":0,"d":[],"e":{},"f":false,"g":7,"h":"x"}`)
	if got := p.First("missing", "a", "b", "c", "d", "e", "f", "g", "h"); string(got) != "7" {
		t.Errorf("First = %s, want 7", got)
	}
	if got := p.First("a", "b"); got != nil {
		t.Errorf("First of falsy values = %s, want none", got)
	}
}

func TestEvidenceShowsExtraInPlaceOfTheField(t *testing.T) {
	t.Parallel()
	p := read(t, `{"tags":["x","y"],"n":1.50,"other":2}`)
	long := strings.Repeat("a", maxText+1)
	extra := map[string]any{"tags": []string{"y"}, "raw": nil, "number": p.Get("n").Any(), "long": long, "count": int64(3)}
	got := string(p.Evidence(Paths([]string{"tags", "n"}), extra))
	want := `{"_cut":["long"],"count":3,"long":"` + long[:maxText] + `","n":1.50,"number":1.50,"raw":null,"tags":["y"]}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Evidence (-want +got):\n%s", diff)
	}
}
