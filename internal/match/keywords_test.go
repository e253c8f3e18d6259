package match

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Keywords are found wherever they stand in a value, at even and odd places of the payload, and nowhere else: not in names,
// not over the end of a value.
func TestKeywordsAreFoundAtEveryPlaceOfAValueOnly(t *testing.T) {
	t.Parallel()
	b := NewBuilder()
	words := []string{"abc", "abcd", "abcde", "abcdef", "abcdefghij", `b","c`, `b","cdef`, `1,t`, `1,true`, `"ab`, `:"abc`, `abc"`, "61bc"}
	detections := make([]*Detection, len(words))
	for id, w := range words {
		detections[id] = compileJSON(t, fmt.Sprintf(`{"k": [%q], "condition": "k"}`, w))
		b.Put(int32(id), detections[id])
	}
	x, s := b.Index(), NewScratch()
	for pad := range 9 {
		fill := strings.Repeat("-", pad)
		for _, text := range []string{"abcdefghij", "ab", "abc", "ABCD", "xabcdex", "abcdefabcdefghij", "bcdefghij", "abc\\nd", "\u0061bcd", "\u00e4abcde"} {
			for _, payload := range []string{
				`{"n":"` + fill + text + `"}`, `{"n":"` + text + fill + `"}`, `{"n` + fill + `":["` + text + `","` + text + `"]}`, `{"` + fill + text + `":1}`,
				`{"n":["` + fill + `ab","cdef","` + text + `"]}`, `{"n":[1,true,null,"",` + strconv.Itoa(pad) + `],"` + text + `":"` + fill + text + `"}`,
				`{"n":"` + fill + `","n":"` + text + `"}`, `{"k":{"` + fill + `":"` + strings.Repeat(fill+text, 40) + `"},"z":"` + text + `"}`,
			} {
				got, err := x.Match([]byte(payload), s)
				if err != nil {
					t.Fatalf("%s: %v", payload, err)
				}
				doc, err := ParseDocument([]byte(payload))
				if err != nil {
					t.Fatal(err)
				}
				want := []int32{}
				for id, d := range detections {
					if d.Match(doc) {
						want = append(want, int32(id))
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("Match(%s) = %v, want %v", payload, got, want)
				}
			}
		}
	}
}
