package payload

import (
	"bytes"
	"strings"
	"testing"

	"ttpworker/internal/match"
)

// FuzzEvidenceIsThatOfTheDecodedPayload wants of the evidence that is copied from a payload what the decoded payload
// gives.
func FuzzEvidenceIsThatOfTheDecodedPayload(f *testing.F) {
	for _, seed := range []string{
		`{"b":"x","a":1.50,"c.d":null}`, `{"a":"\u0041\n\u2028\ud800<\/","a":true}`, `{"c":{"d":[1,{"x":2}]},"b":[ ]}`, `{ "\u0061" : "y" , "_cut":1}`, `{}`,
		`{"a":{"y":"1","x":[]},"b":{}}`, `{"b":{"y":"1\n","x":2.50,"y":null,"Z":true},"a":{ }}`, `{"a":{"\u0061":1,"a":2}}`, `{"b":{"a":"` + strings.Repeat("x", 5000) + `"}}`,
		`{"b":{"c":"` + strings.Repeat("x", 4000) + `","d":0,"` + strings.Repeat("y", 12_000) + `":2}}`, `{"b":{"` + strings.Repeat("y", maxValue-6) + `":2}}`,
		`{"a":"` + strings.Repeat("\\u00e4", 3000) + `","b":false}`, "{\"a\":\"\x7f\x01\"}", `{"a":1e999,"b":-0}`,
	} {
		f.Add([]byte(seed))
	}
	at := Paths([]string{"b", "a", "c.d", "missing"})
	plain := Paths([]string{"b", "a", "z"})
	s := match.NewScratch()
	index := match.NewBuilder().Index()
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := index.Match(data, s); err != nil {
			return
		}
		decoded, err := decode(data)
		if err != nil {
			t.Fatalf("%q: Match takes it, the decoder says %v", data, err)
		}
		var p Payload
		if err := p.Read(s, "session", data); err != nil {
			t.Fatalf("Read(%q) = %v, and Match takes it", data, err)
		}
		for _, paths := range [][]Path{at, plain} {
			for _, when := range []string{"at first", "again"} {
				if got, want := p.Evidence(paths, nil), decoded.evidence(paths, nil); !bytes.Equal(got, want) {
					t.Errorf("%s, evidence of %q = %s, want %s", when, data, got, want)
				}
			}
		}
	})
}
