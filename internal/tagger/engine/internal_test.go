package engine

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ttpworker/internal/match"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

func detection(text string) *match.Detection {
	return match.Patterns([]string{"x"}, []*regexp.Regexp{regexp.MustCompile(text)})
}

// kindOf is an engine of one kind whose index was made of one rule and whose reference is another.
func kindOf(indexed, reference string) *kindEngine {
	b := match.NewBuilder()
	b.Put(0, detection(indexed))
	return &kindEngine{index: b.Index(), rules: []*compiled{{rule: &rule.Rule{ID: "R1"}, detection: detection(reference)}}, pool: newPool()}
}

func TestAuditorTellsOfEachMismatchWithBothResults(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := NewAuditor(1, slog.New(slog.NewJSONHandler(&log, nil)), prometheus.NewRegistry())
	e := &Engine{byKind: map[string]*kindEngine{"right": kindOf("evil", "evil"), "wrong": kindOf("good", "evil")}, audit: a}
	for _, kind := range []string{"right", "wrong"} {
		if tags, err := e.AppendTags(nil, &tagger.TaggerEvent{SourceKind: kind, SourceID: "e1", Payload: []byte(`{"x":"evil"}`)}); err != nil || len(tags) != 0 {
			t.Errorf("AppendTags(%s) = %d tags, %v, want none: the rule emits nothing", kind, len(tags), err)
		}
	}
	if checked, wrong := testutil.ToFloat64(a.checked), testutil.ToFloat64(a.mismatch); checked != 2 || wrong != 1 {
		t.Errorf("%v events checked, %v mismatches, want 2 and 1", checked, wrong)
	}
	var line struct {
		Level     string   `json:"level"`
		Kind      string   `json:"source_kind"`
		Index     []string `json:"index"`
		PlainScan []string `json:"plain_scan"`
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("log %q: %v", &log, err)
	}
	if line.Level != "ERROR" || line.Kind != "wrong" || len(line.Index) != 0 || len(line.PlainScan) != 1 || line.PlainScan[0] != "R1" {
		t.Errorf("log line = %+v, want an error about the kind wrong: R1 by the plain scan only", line)
	}
}

func TestAuditorChecksOneInSoManyAndNoLargePayload(t *testing.T) {
	t.Parallel()
	k := kindOf("good", "evil")
	for _, tt := range []struct {
		name    string
		every   int
		payload string
		want    float64
	}{
		{name: "none", payload: `{"x":"evil"}`},
		{name: "one in three of ten", every: 3, payload: `{"x":"evil"}`, want: 3},
		{name: "large", every: 1, payload: `{"x":"evil` + strings.Repeat(" ", maxAudited) + `"}`},
	} {
		a := NewAuditor(tt.every, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		for range 10 {
			a.check(k, &tagger.TaggerEvent{Payload: []byte(tt.payload)}, nil)
		}
		if got := testutil.ToFloat64(a.mismatch); got != tt.want {
			t.Errorf("%s: %v mismatches told, want %v", tt.name, got, tt.want)
		}
	}
}

// FuzzEvidenceIsThatOfTheDecodedPayload wants of the evidence that is copied from a payload what the decoded payload
// gives.
func FuzzEvidenceIsThatOfTheDecodedPayload(f *testing.F) {
	for _, seed := range []string{
		`{"b":"x","a":1.50,"c.d":null}`, `{"a":"\u0041\n\u2028\ud800<\/","a":true}`, `{"c":{"d":[1,{"x":2}]},"b":[ ]}`, `{ "\u0061" : "y" , "_cut":1}`, `{}`,
		`{"a":"` + strings.Repeat("\\u00e4", 3000) + `","b":false}`, "{\"a\":\"\x7f\x01\"}", `{"a":1e999,"b":-0}`,
	} {
		f.Add([]byte(seed))
	}
	at := paths([]string{"b", "a", "c.d", "missing"})
	plain := paths([]string{"b", "a", "z"})
	s := match.NewScratch()
	index := match.NewBuilder().Index()
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := index.Match(data, s); err != nil {
			return
		}
		decoded, err := parsePayload(data)
		if err != nil {
			t.Fatalf("%q: Match takes it, the decoder says %v", data, err)
		}
		var e evidence
		e.begin(s, data)
		for _, paths := range [][]path{at, plain} {
			if got, want := e.render(paths), decoded.evidence(paths); !bytes.Equal(got, want) {
				t.Errorf("evidence of %q = %s, want %s", data, got, want)
			}
		}
	})
}
