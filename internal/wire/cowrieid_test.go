package wire

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The id is the one that anybody can compute by the document: here with what it is made of written out.
func TestTheIDOfAnEventOfCowrie(t *testing.T) {
	d := newCowrie(t, DefaultLimits())
	const line = `{ "timestamp": "2026-01-31T12:00:00.000000Z", "src_port": 4.0e4, "input": "id\u0020\/", "eventid": "cowrie.command.input" }`
	// printf '{"eventid":"cowrie.command.input","input":"id /","src_port":40000,"timestamp":"2026-01-31T12:00:00.000000Z"}' | sha256sum
	const want = "0e448d76b93f944405ab09f1242f54cda5398cd2a324c7aec3b95cf536b08817"
	if ev, _, err := d.Event([]byte(line), at()); err != nil || ev.SourceID != want {
		t.Errorf("source_id = %s, %v, want %s", ev.SourceID, err, want)
	}
	for _, other := range []string{
		strings.Replace(line, "id", "idd", 1), strings.Replace(line, "00.000000Z", "00.000001Z", 1), strings.Replace(line, "4.0e4", "40001", 1),
		strings.Replace(line, `{ `, `{ "message": "", `, 1),
	} {
		if ev, _, err := d.Event([]byte(other), at()); err != nil || ev.SourceID == want {
			t.Errorf("source_id of %s = %s, %v, want another than that of %s", other, ev.SourceID, err, line)
		}
	}
}

// Equal events have equal ids: the order of members, white space and escapes are no content.
func TestTheOrderOfMembersMakesNoDifference(t *testing.T) {
	d := newCowrie(t, DefaultLimits())
	ids := strings.Fields("cowrie.command.input cowrie.login.failed cowrie.session.file_download cowrie.client.kex cowrie.direct-tcpip.data")
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Custom(jsonValue)
		members := rapid.MapOfN(rapid.String(), value, 0, 12).Draw(t, "more")
		maps.Copy(members, map[string]string{
			"eventid": quote(rapid.SampledFrom(ids).Draw(t, "eventid")), "timestamp": quote("2026-01-31T12:00:00Z"), "src_ip": quote("198.51.100.7"),
			"input": value.Draw(t, "input"), "hassh": value.Draw(t, "hassh"), "data": quote(rapid.String().Draw(t, "data")), "username": value.Draw(t, "username"),
		})
		names := make([]string, 0, len(members))
		for name := range members {
			names = append(names, name)
		}
		slices.Sort(names)
		write := func(r *rand.Rand) string {
			space := func() string { return strings.Repeat(" ", r.IntN(3)) }
			parts := make([]string, len(names))
			for i, k := range r.Perm(len(names)) {
				name, v := quote(names[k]), members[names[k]]
				if r.IntN(4) == 0 {
					name = escaped(names[k])
				}
				parts[i] = space() + name + space() + ":" + space() + v + space()
			}
			return space() + "{" + strings.Join(parts, ",") + "}" + space()
		}
		seed := rapid.Uint64().Draw(t, "seed")
		one, two := write(rand.New(rand.NewPCG(seed, 1))), write(rand.New(rand.NewPCG(seed, 2))) //nolint:gosec // the same for the same seed
		want, _, wantErr := d.Event([]byte(one), time.Time{})
		got, _, err := d.Event([]byte(two), time.Time{})
		if !errors.Is(err, wantErr) {
			t.Fatalf("%s: %v\n%s: %v", one, wantErr, two, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\n%s (-one +other):\n%s", one, two, diff)
		}
	})
}

func quote(s string) string { return string(must(jsontext.AppendQuote(nil, s))) }

// escaped is s as JSON with every character of the first plane as an escape.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r > 0xffff {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return `"` + b.String() + `"`
}

func jsonValue(t *rapid.T) string {
	switch rapid.IntRange(0, 5).Draw(t, "type") {
	case 0:
		return "null"
	case 1:
		return strconv.FormatInt(rapid.Int64().Draw(t, "integer"), 10)
	case 2:
		return fmt.Sprint(rapid.Float64Range(-1e300, 1e300).Draw(t, "number"))
	case 3:
		return `["a", ` + quote(rapid.String().Draw(t, "item")) + `]`
	case 4:
		return `{"b":1,` + quote(rapid.StringN(2, 5, -1).Draw(t, "name")) + ` : {"z":[],"a":true}}`
	default:
		return quote(rapid.String().Draw(t, "text"))
	}
}

// The form that most events take a short way to is that of the library.
func TestCanonicalFormIsTheLibrarys(t *testing.T) {
	values := strings.Fields(`0 -0 1 -1 10 01e0 1.0 1e3 0.5 -0.0 123456789012345 1234567890123456 9007199254740993 123456789012345678901 1e999 -1e999 1E400 4.0e4
		true false null [] [1,2] [1.0,"a\u0062"] [[],[{}]] {} {"b":1,"a":2} {"a":1,"a":0} "" "a" "\"" "\\" "\/" "\u0041" "\n\t\b" "\u001f" "\u007f" "\u2028" "\ud83d\ude00"`)
	values = append(values, `[ 1 , [ "a" , "b" ] , { "a" : [ ] } ]`, "[\n]", "[ ]", "\"\u2028\x7f<>&\U0001f600\"", `{ }`, `[{"b":[1, 2],"a":null}]`, "-5", "-12345678901234")
	for _, v := range values {
		if s := (skim{text: []byte(`{"a":` + v + `}`)}); !s.object(DefaultLimits()) {
			if v != "01e0" {
				t.Errorf("%s is no JSON", v)
			}
			continue
		}
		for _, text := range []string{`{"a":` + v + `}`, ` { "z" : ` + v + ` , "a":` + v + `,"B":[` + v + ", " + v + `]}`} {
			text := []byte(strings.TrimSpace(text))
			pairs := appendPairs(nil, text)
			slices.SortFunc(pairs, pair.compare)
			got, err := appendCanonicalObject(nil, pairs)
			want, wantErr := appendCanonicalByLibrary(nil, text)
			if string(got) != string(want) || (err == nil) != (wantErr == nil) {
				t.Errorf("canonical form of %s = %s, %v, want %s, %v", text, got, err, want, wantErr)
			}
			if err != nil {
				t.Errorf("%s has no canonical form: %v", text, err)
			}
		}
	}
}

// A name that is written with escapes, or beyond ASCII, is the same name, and the id the same.
func TestNamesOfCowrieWithEscapes(t *testing.T) {
	d := newCowrie(t, DefaultLimits())
	const line = `{"eventid":"cowrie.command.input","timestamp":"2026-01-31T12:00:00Z","input":"id","` + "\u00e9" + `":1,"\ufb33":2,"` + "\U0001f600" + `":3}`
	want, _, err := d.Event([]byte(line), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := d.Event([]byte(strings.NewReplacer(`"input"`, `"\u0069nput"`, "\u00e9", `\u00e9`).Replace(line)), time.Time{})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Event = %v (-plain +escaped):\n%s", err, diff)
	}
	_, _, err = d.Event([]byte(strings.Replace(line, "\u00e9", `\u0069nput`, 1)), time.Time{})
	wantFault(t, err, BadField, `"input" is given twice`)
}
