package explain_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/explain"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/tagger/engine"
)

// tagOf is the tag of a rule on an event.
func tagOf(t *testing.T, r *rule.Rule, ev *tagger.TaggerEvent, order tagger.Standing) tagger.Tag {
	t.Helper()
	_, tags, err := explain.Evaluate(r, ev, order)
	if err != nil || len(tags) != 1 {
		t.Fatalf("Evaluate = %d tags, %v, want 1", len(tags), err)
	}
	return tags[0]
}

func TestATagIsReproducedUnderItsOwnStateAndCeiling(t *testing.T) {
	t.Parallel()
	r, ev := parse(t, shadowRule), command("cat /etc/shadow")
	for _, order := range []tagger.Standing{
		{State: tagger.Enabled}, {State: tagger.Shadow}, {State: tagger.Clipped, ConfidenceMax: new(0.25)}, {State: tagger.Shadow, ConfidenceMax: new(0.99)},
	} {
		tag := tagOf(t, r, ev, order)
		v, err := explain.Reproduce(&tag, r, ev)
		if err != nil || !v.Reproduced || len(v.Differences)+len(v.Remarks) > 0 || !v.Why.Matches {
			t.Errorf("under %+v: %+v, %v, want it reproduced", order, v, err)
		}
	}
}

func TestWhatDiffersIsToldValueByValue(t *testing.T) {
	t.Parallel()
	r, ev := parse(t, shadowRule), command("cat /etc/shadow")
	tag := tagOf(t, r, ev, tagger.DefaultStanding())
	tag.ConfidenceBase, tag.Confidence, tag.RuleDigest = 0.8, 0.8, "d"
	tag.Evidence = []byte(`{ "command_text":"another", "user":"x" }`)
	v, err := explain.Reproduce(&tag, r, ev)
	if err != nil || v.Reproduced {
		t.Fatalf("Reproduce = %+v, %v, want it not reproduced", v, err)
	}
	var got []string
	for _, d := range v.Differences {
		got = append(got, d.Field+" "+string(d.Tag)+" "+string(d.Now))
	}
	want := []string{
		"confidence 0.8 0.9", "confidence_base 0.8 0.9", `evidence.command_text "another" "cat /etc/shadow"`, `evidence.user "x" `,
		`rule_digest "d" "` + r.Digest + `"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

func TestWhyATagMayNotBeReproduced(t *testing.T) {
	t.Parallel()
	r, ev := parse(t, shadowRule), command("cat /etc/shadow")
	tag := tagOf(t, r, ev, tagger.DefaultStanding())
	head, _, _ := strings.Cut(shadowRule, "match:")
	lifter := parse(t, strings.Replace(head, "[command]", "[intel]", 1)+
		"match: {kind: 'lifter:intel_feodo'}\nemits: [{tactic: TA0011, technique_id: T1071, confidence: 0.5}]\n")
	listed := &tagger.TaggerEvent{SourceKind: "intel", SourceID: "i", Payload: []byte(`{"feodo_listed":true}`)}
	raised := tagOf(t, lifter, listed, tagger.DefaultStanding())
	raised.ConfidenceBase, raised.Confidence = 0.55, 0.55
	other := command("cat /etc/shadow")
	other.SourceID = "c-2"
	for _, tt := range []struct {
		name string
		tag  tagger.Tag
		rule *rule.Rule
		ev   *tagger.TaggerEvent
		want string
	}{
		{"the event does not match", tag, r, command("ls"), "the rule does not give this tag on the event"},
		{"another event", tag, r, other, `the record where the event was is another one, command "c-2"`},
		{"made surer", raised, lifter, listed, "intel_aggregate_bump"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := explain.Reproduce(&tt.tag, tt.rule, tt.ev)
			if err != nil || v.Reproduced || !slices.ContainsFunc(v.Remarks, func(r string) bool { return strings.Contains(r, tt.want) }) {
				t.Errorf("Reproduce = %+v, %v, want %q", v, err, tt.want)
			}
		})
	}
}

func TestAnAnswerSaysWhetherTheStateDiffers(t *testing.T) {
	t.Parallel()
	r, ev := parse(t, shadowRule), command("cat /etc/shadow")
	plain, clipped := tagOf(t, r, ev, tagger.DefaultStanding()), tagOf(t, r, ev, tagger.Standing{State: tagger.Clipped, ConfidenceMax: new(0.3)})
	for _, tt := range []struct {
		name string
		tag  tagger.Tag
		now  explain.State
		want bool
	}{
		{"as it was", plain, explain.State{State: tagger.Enabled}, false},
		{"switched off", plain, explain.State{State: tagger.Disabled}, true},
		{"clipped since", plain, explain.State{State: tagger.Clipped, ConfidenceMax: new(0.3)}, true},
		{"clipped as it was", clipped, explain.State{State: tagger.Clipped, ConfidenceMax: new(0.3)}, false},
		{"clipped at another ceiling", clipped, explain.State{State: tagger.Clipped, ConfidenceMax: new(0.4)}, true},
		{"enabled again", clipped, explain.State{State: tagger.Enabled}, true},
	} {
		a, err := explain.NewAnswer(&tt.tag, explain.Found{})
		if err != nil {
			t.Fatal(err)
		}
		if a.Now(tt.now); a.State.Differs != tt.want || a.State.Now == nil {
			t.Errorf("%s: differs %t, want %t", tt.name, a.State.Differs, tt.want)
		}
	}
}

func TestAnAnswerIsExplainedIfNothingIsMissing(t *testing.T) {
	t.Parallel()
	r, ev := parse(t, shadowRule), command("cat /etc/shadow")
	tag := tagOf(t, r, ev, tagger.DefaultStanding())
	for _, tt := range []struct {
		name  string
		rule  *rule.Rule
		ev    *tagger.TaggerEvent
		fault error
		want  bool
	}{
		{"all is there", r, ev, nil, true},
		{"no rule", nil, ev, nil, false},
		{"no event", r, nil, nil, false},
		{"a fault", r, ev, errors.New("x"), false},
		{"another event", r, command("ls"), nil, false},
	} {
		a, err := explain.NewAnswer(&tag, explain.Found{})
		if err != nil {
			t.Fatal(err)
		}
		if tt.fault != nil {
			a.Fault("%v", tt.fault)
		}
		if a.Judge(tt.rule, tt.ev); a.Explained() != tt.want || (a.Event == nil) != (tt.ev == nil) {
			t.Errorf("%s: explained %t, event %v, want %t", tt.name, a.Explained(), a.Event, tt.want)
		}
	}
}

func TestTheSemanticsOfTheTimeAreToldWhereTheTagIsAnother(t *testing.T) {
	t.Parallel()
	r := parse(t, shadowRule)
	tag := tagOf(t, r, command("cat /etc/shadow"), tagger.DefaultStanding())
	for ev, want := range map[*tagger.TaggerEvent]int{command("cat /etc/shadow"): 0, command("ls"): 1} {
		a, err := explain.NewAnswer(&tag, explain.Found{})
		if err != nil {
			t.Fatal(err)
		}
		a.Rule = explain.NewRule(r, explain.FromArchive)
		a.Rule.EngineSemantics = new(engine.Semantics - 1)
		a.Judge(r, ev)
		if got := strings.Count(strings.Join(a.Verdict.Remarks, "\n"), "engine semantics"); got != want {
			t.Errorf("%s: remarks %q, want %d about semantics", ev.Payload, a.Verdict.Remarks, want)
		}
	}
}

// Of a mail nothing is shown, whatever the rule looks at.
func TestTextsOfMailsAreNotShown(t *testing.T) {
	t.Parallel()
	r := parse(t, strings.NewReplacer("[command]", "[email]", "segments|", "subject|", "command_text|", "body_text|", "[command_text]", "[subject]").Replace(shadowRule))
	ev := &tagger.TaggerEvent{SourceKind: "email", SourceID: "m-1", Payload: []byte(`{"subject":"re: /etc/shadow of Ann","body_text":"dear Ann"}`)}
	tag := tagOf(t, r, ev, tagger.DefaultStanding())
	a, err := explain.NewAnswer(&tag, explain.Found{})
	if err != nil {
		t.Fatal(err)
	}
	a.Judge(r, ev)
	v := a.Verdict.Why.Checks[0].Fields[0].Values[0]
	if !a.Verdict.Reproduced || a.Event.Payload != nil || v.Text != "" || !v.Hidden || v.Bytes != 22 || v.To != 0 {
		t.Errorf("event %+v, value %+v of a mail, want no text", a.Event, v)
	}
}
