package engine

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ttpworker/internal/match"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

func detection(text string) *match.Detection {
	e, err := match.ParseExpression(text)
	if err != nil {
		panic(err)
	}
	return match.Patterns([]string{"x"}, []match.Expression{e})
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
			a.check(k, &tagger.TaggerEvent{}, []byte(tt.payload), nil)
		}
		if got := testutil.ToFloat64(a.mismatch); got != tt.want {
			t.Errorf("%s: %v mismatches told, want %v", tt.name, got, tt.want)
		}
	}
}

// An index that is wrong about one rule in a thousand is found out as soon as that rule has its turn, whatever
// other kinds are audited meanwhile; one that claims too much is found out at once.
func TestAuditorComesToEveryRuleInTurn(t *testing.T) {
	t.Parallel()
	const rules, turns = 1000, 4
	for _, wrong := range []int{0, 255, 256, 700, 999} {
		b := match.NewBuilder()
		k := &kindEngine{pool: newPool()}
		for id := range rules {
			k.rules = append(k.rules, &compiled{rule: &rule.Rule{ID: "R" + strconv.Itoa(id)}, detection: detection("evil")})
			if id != wrong {
				b.Put(int32(id), detection("evil"))
			}
		}
		k.index = b.Index()
		k.rules[500] = nil // an id that is not in use
		b.Delete(500)
		k.index = b.Index()
		a := NewAuditor(1, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		e := &Engine{byKind: map[string]*kindEngine{"a": k, "b": kindOf("evil", "evil")}, audit: a}
		var told []int
		for i := range 3 * turns {
			for _, kind := range []string{"b", "a", "b"} {
				before := testutil.ToFloat64(a.mismatch)
				if _, err := e.AppendTags(nil, &tagger.TaggerEvent{SourceKind: kind, SourceID: "e", Payload: []byte(`{"x":"evil"}`)}); err != nil {
					t.Fatal(err)
				}
				if testutil.ToFloat64(a.mismatch) > before {
					told = append(told, i)
				}
			}
		}
		at := wrong / AuditedRules
		if want := []int{at, at + turns, at + 2*turns}; !slices.Equal(told, want) {
			t.Errorf("rule %d missing in the index is told at turns %v, want %v", wrong, told, want)
		}
	}
}

func TestAuditorChecksEveryClaimOfTheIndex(t *testing.T) {
	t.Parallel()
	b := match.NewBuilder()
	k := &kindEngine{pool: newPool()}
	for id := range 2 * AuditedRules {
		b.Put(int32(id), detection("nothing"))
		k.rules = append(k.rules, &compiled{rule: &rule.Rule{ID: "R" + strconv.Itoa(id)}, detection: detection("nothing")})
	}
	b.Put(2*AuditedRules-1, detection("evil"))
	k.index = b.Index()
	a := NewAuditor(1, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	e := &Engine{byKind: map[string]*kindEngine{"a": k}, audit: a}
	for i := range 3 {
		if _, err := e.AppendTags(nil, &tagger.TaggerEvent{SourceKind: "a", SourceID: "e", Payload: []byte(`{"x":"evil"}`)}); err != nil {
			t.Fatal(err)
		}
		if got := testutil.ToFloat64(a.mismatch); got != float64(i+1) {
			t.Errorf("%v mismatches told after %d events, want one each", got, i+1)
		}
	}
}

// BenchmarkAudit is one event that is checked.
func BenchmarkAudit(b *testing.B) {
	for _, n := range []int{60, 3000} {
		k := kindOf("evil0", "evil0")
		for i := 1; i < n; i++ {
			k.rules = append(k.rules, &compiled{rule: &rule.Rule{}, detection: detection("evil" + strconv.Itoa(i))})
		}
		a := NewAuditor(1, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		ev := &tagger.TaggerEvent{SourceKind: "a", Payload: []byte(`{"x":"` + strings.Repeat("good ", 80) + `"}`)}
		b.Run("rules="+strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a.check(k, ev, ev.Payload, nil)
			}
		})
		if got := testutil.ToFloat64(a.mismatch); got != 0 {
			b.Errorf("%v mismatches, want none", got)
		}
	}
}
