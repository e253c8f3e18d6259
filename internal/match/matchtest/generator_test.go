package matchtest_test

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"strings"
	"testing"

	"ttpworker/internal/match/matchtest"
)

func vocabulary() matchtest.Vocabulary {
	return matchtest.Vocabulary{
		Fields:   []string{"Image", "CommandLine", "TargetObject", "EventID", "userIdentity.type", "properties.message"},
		Literals: []string{`\powershell.exe`, "sekurlsa", "Kerberos", `"quoted"`, "4688", "-enc", "k\u00e4se", ""},
		Clues: [][]matchtest.Term{
			{{Field: "Image", Text: `\mimikatz.exe`, At: matchtest.End}, {Field: "CommandLine", Text: "sekurlsa::"}},
			{{Field: "EventID", Text: "4688", At: matchtest.Whole}, {Field: "properties.message", Text: "Consent", At: matchtest.Start}},
			{{Text: "keyword"}},
		},
	}
}

func modes(g *matchtest.Generator) map[string]func() []byte {
	return map[string]func() []byte{"benign": g.Benign, "heavy": g.Heavy, "hostile": g.Hostile}
}

func TestPayloadsAreObjects(t *testing.T) {
	for name, next := range modes(matchtest.NewGenerator(1, vocabulary())) {
		for range 20_000 {
			payload := next()
			var object map[string]any
			if err := json.Unmarshal(payload, &object); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") {
				t.Fatalf("%s: %v in %s", name, err, payload)
			}
		}
	}
}

func TestPayloadsWithoutVocabularyAreJSON(t *testing.T) {
	for name, next := range modes(matchtest.NewGenerator(2, matchtest.Vocabulary{})) {
		for range 2000 {
			if payload := next(); !json.Valid(payload) {
				t.Fatalf("%s: no JSON: %s", name, payload)
			}
		}
	}
}

func TestPayloadsFollowFromTheSeed(t *testing.T) {
	sum := func(seed uint64) uint64 {
		h := fnv.New64a()
		g := matchtest.NewGenerator(seed, vocabulary())
		for range 1000 {
			for _, payload := range [][]byte{g.Benign(), g.Heavy(), g.Hostile()} {
				_, _ = h.Write(payload)
			}
		}
		return h.Sum64()
	}
	if a, b := sum(7), sum(7); a != b {
		t.Errorf("the same seed gave payloads with sums %x and %x", a, b)
	}
	if a, b := sum(7), sum(8); a == b {
		t.Errorf("seeds 7 and 8 gave the same payloads")
	}
}

// The figures of a run are told for events of this size.
func TestBenignPayloadsAreOfTheSizeOfEvents(t *testing.T) {
	const n = 20_000
	size := 0
	g := matchtest.NewGenerator(3, matchtest.Vocabulary{})
	for range n {
		size += len(g.Benign())
	}
	if mean := size / n; mean < 500 || mean > 570 {
		t.Errorf("mean size of a benign event = %d bytes, want about 534", mean)
	}
}

func TestHeavyPayloadsCarryWhatRulesLookFor(t *testing.T) {
	g := matchtest.NewGenerator(4, vocabulary())
	for range 1000 {
		payload := g.Heavy()
		if !bytes.Contains(payload, []byte("sekurlsa::")) && !bytes.Contains(payload, []byte("Consent")) && !bytes.Contains(payload, []byte("keyword")) {
			t.Fatalf("no clue in %s", payload)
		}
	}
}

// What hostile events are for must be among them.
func TestHostilePayloadsHoldWhatTheyPromise(t *testing.T) {
	want := map[string]string{
		"escape without need": `\u0`, "escaped slash": `\/`, "half a pair": `\ud83d`, "Kelvin sign": "\u212a", "long s": "\u017f",
		"dotted key": `"userIdentity.type"`, "null": "null", "empty text": `""`, "number with an exponent": "e0", "list of objects": "[{",
	}
	long := false
	g := matchtest.NewGenerator(5, vocabulary())
	for range 20_000 {
		payload := string(g.Hostile())
		long = long || len(payload) > 10_000
		for name, text := range want {
			if strings.Contains(payload, text) {
				delete(want, name)
			}
		}
	}
	for name := range want {
		t.Errorf("20000 hostile events and no %s", name)
	}
	if !long {
		t.Errorf("20000 hostile events and none over 10000 bytes")
	}
}

func BenchmarkGenerator(b *testing.B) {
	for name, next := range modes(matchtest.NewGenerator(6, vocabulary())) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				next()
			}
		})
	}
}
