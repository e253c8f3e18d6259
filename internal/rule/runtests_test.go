package rule_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
)

// standingForTest is an order that is easily told from the default.
var standingForTest = tagger.Standing{State: tagger.Shadow}

// A scripted tagger gives, per text of the payload, tags of rules and techniques as "rule technique".
type scripted map[string][]string

func (s scripted) Name() string    { return "scripted" }
func (s scripted) Kinds() []string { return []string{"command"} }

func (s scripted) AppendTags(dst []tagger.Tag, ev *tagger.TaggerEvent) ([]tagger.Tag, error) {
	for text, tags := range s {
		if !strings.Contains(string(ev.Payload), text) {
			continue
		}
		for _, tag := range tags {
			id, technique, _ := strings.Cut(tag, " ")
			if technique == "error" {
				return dst, errors.New("out of order")
			}
			dst = append(dst, tagger.Tag{RuleID: id, TechniqueID: technique[:5], SubTechniqueID: technique, SourceKind: ev.SourceKind})
		}
	}
	return dst, nil
}

func TestRunTests(t *testing.T) {
	t.Parallel()
	text := simple + `  - {name: silent, payload: {command_text: good}, expect: []}
  - {name: plain again, payload: {command_text: evil}, expect: [T1003.008]}
`
	r, err := parser().Parse("dir/x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		tagger scripted
		want   string
	}{
		{name: "all as expected", tagger: scripted{"evil": {"R9001 T1003.008"}}},
		{name: "a technique twice is one", tagger: scripted{"evil": {"R9001 T1003.008", "R9001 T1003.008"}}},
		{name: "tags of other rules do not count", tagger: scripted{"evil": {"R1 T1110.001", "R9001 T1003.008"}, "good": {"R1 T1110.001"}}},
		{
			name: "silent where it must not be",
			want: "dir/x.yaml:11: rule \"R9001\", test \"plain\": got [], want [T1003.008]\n" +
				"dir/x.yaml:13: rule \"R9001\", test \"plain again\": got [], want [T1003.008]",
		},
		{
			name:   "not silent where it must be",
			tagger: scripted{"": {"R9001 T1003.008"}},
			want:   "dir/x.yaml:12: rule \"R9001\", test \"silent\": got [T1003.008], want []",
		},
		{
			name:   "one technique too many",
			tagger: scripted{"evil": {"R9001 T1110.001", "R9001 T1003.008"}},
			want: "dir/x.yaml:11: rule \"R9001\", test \"plain\": got [T1003.008 T1110.001], want [T1003.008]\n" +
				"dir/x.yaml:13: rule \"R9001\", test \"plain again\": got [T1003.008 T1110.001], want [T1003.008]",
		},
		{
			name:   "an error does not hide the other tests",
			tagger: scripted{"good": {"R9001 error"}},
			want: "dir/x.yaml:11: rule \"R9001\", test \"plain\": got [], want [T1003.008]\n" +
				"dir/x.yaml:12: rule \"R9001\", test \"silent\": out of order\n" +
				"dir/x.yaml:13: rule \"R9001\", test \"plain again\": got [], want [T1003.008]",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := rule.RunTests(r, tt.tagger); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("RunTests (-want +got):\n%s", diff)
			}
		})
	}
}
