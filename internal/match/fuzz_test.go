package match

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// FuzzIndexEqualsReference asks about a payload: an index of all tables of the language, one of some of them, and one
// that had others before.
func FuzzIndexEqualsReference(f *testing.F) {
	cases := languageCases()
	ds := make([]*Detection, 0, len(cases))
	for i, tt := range cases {
		ds = append(ds, compileJSON(f, tt.detection))
		for _, payload := range slices.Concat(tt.yes, tt.no) {
			f.Add([]byte(payload), uint64(i))
		}
	}
	for _, tt := range slices.Concat(wildcardCases(), caseCases(), encodingCases(), regexpCases()) {
		ds = append(ds, compileJSON(f, itemJSON(f, "f"+tt.key, tt.values)))
		for _, text := range slices.Concat(tt.yes, tt.no) {
			f.Add([]byte(jsonOf(f, map[string]string{"f": text})), uint64(len(ds)))
		}
	}
	all, s := indexOf(ds...), NewScratch()
	f.Fuzz(func(t *testing.T, payload []byte, choice uint64) {
		checkIndex(t, all, ds, payload, s)
		b, some := NewBuilder(), make([]*Detection, len(ds))
		for i := choice % 7; i < uint64(len(ds)); i += 1 + choice>>3%31 {
			b.Put(int32(i), ds[i])
			some[i] = ds[i]
		}
		checkIndex(t, b.Index(), some, payload, s)
		for i := range some {
			if uint64(i)%5 == choice%5 {
				b.Delete(int32(i))
				some[i] = nil
			}
		}
		checkIndex(t, b.Index(), some, payload, s)
	})
}

// FuzzCompile compiles what JSON says, and holds what compiles against a few payloads. Faults have places.
func FuzzCompile(f *testing.F) {
	for _, tt := range languageCases() {
		f.Add([]byte(tt.detection))
	}
	for _, tt := range slices.Concat(wildcardCases(), caseCases(), encodingCases(), expandCases(), regexpCases()) {
		f.Add([]byte(itemJSON(f, "f"+tt.key, tt.values)))
	}
	s := NewScratch()
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := decodeNode(text)
		if err != nil {
			return
		}
		d, err := Compile(n, testOptions())
		if err != nil {
			if joined, ok := err.(interface{ Unwrap() []error }); ok {
				for _, err := range joined.Unwrap() {
					if e, ok := err.(*Error); !ok || e.Line < 1 || e.Col < 1 { //nolint:errorlint // as above
						t.Fatalf("Compile(%s): %v has no place", text, err)
					}
				}
			}
			return
		}
		x := indexOf(d)
		payloads := [][]byte{[]byte(`{}`), []byte(`{"f":["",null,1,"abc","\ufffd"]}`)}
		for _, field := range d.Fields() { // its own texts, where it may look for them
			name, _ := json.Marshal(field) //nolint:errchkjson // a text
			for _, a := range d.atoms {
				value, _ := json.Marshal(strings.ToLower(a.text)) //nolint:errchkjson // a text
				payloads = append(payloads, slices.Concat([]byte(`{`), name, []byte(`:[`), value, []byte(`],"k":`), value, []byte(`}`)))
			}
		}
		for _, payload := range payloads[:min(len(payloads), 20)] {
			checkIndex(t, x, []*Detection{d}, payload, s)
		}
	})
}
