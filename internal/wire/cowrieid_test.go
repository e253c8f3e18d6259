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
