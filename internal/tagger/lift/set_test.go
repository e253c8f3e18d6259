package lift

import (
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/payload"
	"ttpworker/internal/tagger/taggertest"
)

// made is a lift whose logic is the test's.
func made(kind string, logic logic) *Lift {
	return &Lift{
		Name: "made", kinds: []string{kind}, evidence: []string{"username"}, logic: logic,
		emits: []tagger.Emit{
			{Tactic: "TA0006", TechniqueID: "T1110", Confidence: 0.5},
			{Tactic: "TA0043", TechniqueID: "T1595", SubTechniqueID: "T1595.002", Confidence: 0.8},
		},
	}
}

func always(*payload.Payload, *finding) bool { return true }

func origin(id string, s tagger.Standing) tagger.Origin {
	return tagger.Origin{RuleID: id, RuleDigest: "d", Standing: s}
}

func event(kind, data string) *tagger.TaggerEvent {
	return &tagger.TaggerEvent{SourceKind: kind, SourceID: "e", AttackerUUID: "attacker", IdentityUUID: "identity", Payload: []byte(data)}
}

// A line is what a test looks at of a tag.
type line struct {
	Rule, Technique string
	Base, Sure      float64
	Evidence        string
}

func tags(t *testing.T, tg *Tagger, ev *tagger.TaggerEvent) []line {
	t.Helper()
	all, err := tg.AppendTags(nil, ev)
	if err != nil {
		t.Fatal(err)
	}
	var lines []line
	for i := range all {
		lines = append(lines, line{all[i].RuleID, all[i].Technique(), all[i].ConfidenceBase, all[i].Confidence, string(all[i].Evidence)})
	}
	return lines
}

func TestTaggerKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := NewSet()
	s.Put(compile(t, "credential_auth_brute_generic", ""), origin("R2", tagger.DefaultStanding()), nil)
	s.Put(compile(t, "credential_default_credentials", ""), origin("R1", tagger.DefaultStanding()), nil)
	taggertest.Run(
		t, s.Tagger(),
		*event("auth_attempt", `{"fail_count":5,"username":"root","password":"root"}`), *event("auth_attempt", `{"fail_count":4}`),
		*event("auth_attempt", `[]`), *event("auth_attempt", ``), *event("command", `{}`),
	)
}

func TestTagsComeInTheOrderOfRulesAndEmits(t *testing.T) {
	t.Parallel()
	s := NewSet()
	s.Put(made("auth_attempt", always), origin("R2", tagger.DefaultStanding()), nil)
	s.Put(made("auth_attempt", func(*payload.Payload, *finding) bool { return false }), origin("R3", tagger.DefaultStanding()), nil)
	s.Put(made("auth_attempt", always), origin("R1", tagger.DefaultStanding()), nil)
	evidence := `{"username":"u"}`
	want := []line{
		{"R1", "T1110", 0.5, 0.5, evidence},
		{"R1", "T1595.002", 0.8, 0.8, evidence},
		{"R2", "T1110", 0.5, 0.5, evidence},
		{"R2", "T1595.002", 0.8, 0.8, evidence},
	}
	if diff := cmp.Diff(want, tags(t, s.Tagger(), event("auth_attempt", `{"username":"u","password":"p"}`))); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestEmitsAreChosenAndScaled(t *testing.T) {
	t.Parallel()
	ceiling := 0.3
	s := NewSet()
	s.Put(made("auth_attempt", func(_ *payload.Payload, f *finding) bool {
		f.show("service", "shown")
		f.emit(1, 0.5, map[string]any{"result": []string{"x"}, "username": "replaced"})
		f.emit(0, 9, nil)
		return true
	}), origin("R1", tagger.Standing{State: tagger.Clipped, ConfidenceMax: &ceiling}), nil)
	want := []line{
		{"R1", "T1595.002", 0.4, 0.3, `{"result":["x"],"service":"shown","username":"replaced"}`},
		{"R1", "T1110", 1, 0.3, `{"service":"shown","username":"u"}`},
	}
	if diff := cmp.Diff(want, tags(t, s.Tagger(), event("auth_attempt", `{"username":"u"}`))); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

// A lifter that shows what must not leave, or a rule that asks for it, shows nothing of it.
func TestOnlyWhatMayLeaveIsShown(t *testing.T) {
	t.Parallel()
	l := made("auth_attempt", func(p *payload.Payload, f *finding) bool {
		f.show("password", p.Get("password").Any())
		f.emit(0, 1, nil)
		f.emit(1, 1, map[string]any{"secret": "x", "service": "ssh"})
		return true
	})
	l.evidence = []string{"username", "password", "fail_count"}
	s := NewSet()
	s.Put(l, origin("R1", tagger.DefaultStanding()), nil)
	want := []line{
		{"R1", "T1110", 0.5, 0.5, `{"fail_count":1,"username":"u"}`},
		{"R1", "T1595.002", 0.8, 0.8, `{"fail_count":1,"service":"ssh","username":"u"}`},
	}
	if diff := cmp.Diff(want, tags(t, s.Tagger(), event("auth_attempt", `{"username":"u","password":"p","fail_count":1}`))); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func bumps(by float64) logic {
	return func(_ *payload.Payload, f *finding) bool {
		f.bump = by
		return true
	}
}

func TestBumpRaisesTheOtherRulesOfTheEvent(t *testing.T) {
	t.Parallel()
	ceiling, less := 0.55, 0.1
	clipped := tagger.Standing{State: tagger.Clipped, ConfidenceMax: &ceiling}
	for _, tt := range []struct {
		name  string
		by    float64
		state tagger.Standing
		want  float64 // base of the first emit; the second's is 0.3 more, and at most 1
	}{
		{name: "by so much", by: 0.25, state: tagger.DefaultStanding(), want: 0.75},
		{name: "at most to 1", by: 0.9, state: tagger.DefaultStanding(), want: 1},
		{name: "a rule on trial changes nothing", by: 0.25, state: tagger.Standing{State: tagger.Shadow}, want: 0.5},
		{name: "a ceiling is one of what is added", by: 0.25, state: tagger.Standing{State: tagger.Clipped, ConfidenceMax: &less}, want: 0.6},
	} {
		var count, bumped atomic.Uint64
		s := NewSet()
		s.Put(made("auth_attempt", bumps(tt.by)), origin("R0", tt.state), &bumped)
		s.Put(made("auth_attempt", always), origin("R1", tagger.DefaultStanding()), &count)
		s.Put(made("auth_attempt", always), origin("R2", clipped), nil)
		second := min(tt.want+0.3, 1)
		want := []line{
			{"R1", "T1110", tt.want, tt.want, `{}`},
			{"R1", "T1595.002", second, second, `{}`},
			{"R2", "T1110", tt.want, min(tt.want, ceiling), `{}`},
			{"R2", "T1595.002", second, ceiling, `{}`},
		}
		got := tags(t, s.Tagger(), event("auth_attempt", `{}`))
		if diff := cmp.Diff(want, got, approximately); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if want := map[bool]uint64{true: 0, false: 1}[tt.state.State == tagger.Shadow]; count.Load() != 1 || bumped.Load() != want {
			t.Errorf("%s: counted %d and %d, want 1 and %d", tt.name, count.Load(), bumped.Load(), want)
		}
	}
}

var approximately = cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })

func TestBumpAloneGivesNoTagAndCountsNothing(t *testing.T) {
	t.Parallel()
	var count atomic.Uint64
	s := NewSet()
	s.Put(made("auth_attempt", bumps(0.5)), origin("R0", tagger.DefaultStanding()), &count)
	if got := tags(t, s.Tagger(), event("auth_attempt", `{}`)); len(got) != 0 || count.Load() != 0 {
		t.Errorf("tags = %v, counted %d times, want none", got, count.Load())
	}
}

func TestTagAboutAnIdentityHasNoAttacker(t *testing.T) {
	t.Parallel()
	s := NewSet()
	s.Put(compile(t, "identity_password_spraying", ""), origin("R3", tagger.DefaultStanding()), nil)
	ev := event("identity", `{"shared_password_hash":"h","account_count":1}`)
	all, err := s.Tagger().AppendTags(nil, ev)
	if err != nil || len(all) != 1 {
		t.Fatalf("AppendTags = %d tags, %v, want 1", len(all), err)
	}
	emit := tagger.Emit{Tactic: "TA0006", TechniqueID: "T1110"}
	if got := all[0]; got.AttackerUUID != "" || got.IdentityUUID != "identity" || got.ID != tagger.TagID(ev, "R3", &emit) {
		t.Errorf("tag = %+v, want no attacker, and the id of the event's anchor", got)
	}
	ev.IdentityUUID = ""
	if got := tags(t, s.Tagger(), ev); len(got) != 0 {
		t.Errorf("tags of an event without identity = %v, want none", got)
	}
}

func TestSetChangesRulesAndNoTaggerThatIsMade(t *testing.T) {
	t.Parallel()
	s := NewSet()
	if got := s.Tagger().Kinds(); len(got) != 0 {
		t.Errorf("Kinds of no rules = %q, want none", got)
	}
	s.Put(made("auth_attempt", always), origin("R1", tagger.DefaultStanding()), nil)
	s.Put(made("identity", always), origin("R2", tagger.DefaultStanding()), nil)
	first := s.Tagger()

	s.Put(made("credential", always), origin("R1", tagger.DefaultStanding()), nil) // another kind
	s.Remove("R0")
	second := s.Tagger()
	if diff := cmp.Diff([]string{"credential", "identity"}, second.Kinds()); diff != "" {
		t.Errorf("Kinds after the change (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"auth_attempt", "identity"}, first.Kinds()); diff != "" {
		t.Errorf("Kinds of the tagger made before (-want +got):\n%s", diff)
	}
	if &first.byKind["identity"][0] != &second.byKind["identity"][0] {
		t.Error("rules of a kind that has not changed are made anew, want them shared")
	}
	s.Remove("R2")
	if got := tags(t, s.Tagger(), event("identity", `{}`)); len(got) != 0 {
		t.Errorf("tags of a removed rule = %v, want none", got)
	}
	if got := tags(t, second, event("identity", `{}`)); len(got) != 2 {
		t.Errorf("tags of the tagger made before = %v, want 2", got)
	}
}
