package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// sigmaRule is what the public engine can load.
const sigmaRule = `
detection:
  selection_image:
    Image|endswith: ['\whoami.exe', '\net1.exe']
  selection_text:
    CommandLine|contains|all: [' /all', ' -priv']
  filter:
    User|re: ^SYSTEM$
  keyed:
    source.ip|startswith: '10.'
    EventID: 4688
    Elevated: 'true'
  keywords: [sekurlsa, '4711']
  condition: 1 of selection_* and not filter or keyed or keywords
`

func TestGoSigma(t *testing.T) {
	s, err := parse(file{Path: "rule.yml", Data: []byte(sigmaRule)})
	if err != nil {
		t.Fatal(err)
	}
	e, bad := newGoSigma([]source{s})
	if len(bad) != 0 {
		t.Fatal("the rule was not loaded")
	}
	for _, tt := range []struct {
		name, payload string
		want          bool
	}{
		{name: "nothing", payload: `{}`},
		{name: "no JSON", payload: `{`},
		{name: "end of a text", payload: `{"Image":"C:\\Windows\\whoami.exe","User":"me"}`, want: true},
		{name: "filter", payload: `{"Image":"C:\\Windows\\whoami.exe","User":"SYSTEM"}`},
		{name: "all of a list", payload: `{"CommandLine":"x -priv /all","User":"me"}`, want: true},
		{name: "one of a list", payload: `{"CommandLine":"x -priv","User":"me"}`},
		{name: "nested, number, truth value", payload: `{"source":{"ip":"10.1.2.3"},"EventID":4688,"Elevated":true}`, want: true},
		{name: "dots in a name", payload: `{"source.ip":"10.1.2.3","EventID":"4688","Elevated":true}`, want: true},
		{name: "null for a number", payload: `{"source.ip":"10.1.2.3","EventID":null,"Elevated":true}`},
		{name: "keyword", payload: `{"any":{"thing":"xsekurlsax"}}`, want: true},
		{name: "number as a keyword", payload: `{"any":4711}`, want: true},
		{name: "a name is no keyword", payload: `{"sekurlsa":"x"}`},
	} {
		if got := len(e.Match([]byte(tt.payload))) > 0; got != tt.want {
			t.Errorf("%s: Match(%s) = %t, want %t", tt.name, tt.payload, got, tt.want)
		}
	}
}

// What docs/performance.md says of the engine's answers.
func TestGoSigmaMisses(t *testing.T) {
	s, err := parse(file{Path: "rule.yml", Data: []byte(sigmaRule)})
	if err != nil {
		t.Fatal(err)
	}
	e, _ := newGoSigma([]source{s})
	detections, _ := compileAll([]source{s})
	reference := &plainScan{detections: detections}
	for _, tt := range []struct{ name, payload string }{
		{name: "other case", payload: `{"Image":"C:\\Windows\\WHOAMI.EXE","User":"me"}`},
		{name: "field of a filter is missing", payload: `{"Image":"C:\\Windows\\whoami.exe"}`},
		{name: "list", payload: `{"CommandLine":["x -priv /all"],"User":"me"}`},
	} {
		if got := e.Match([]byte(tt.payload)); len(got) > 0 {
			t.Errorf("%s: Match(%s) = %v, want none", tt.name, tt.payload, got)
		}
		if got := reference.Match([]byte(tt.payload)); len(got) == 0 {
			t.Errorf("%s: the plain scan has no hit in %s", tt.name, tt.payload)
		}
	}
}

func TestGoSigmaLeavesOutWhatItCannotLoad(t *testing.T) {
	var sources []source
	for _, detection := range []string{
		`{selection: {Image: this}, condition: selection}`,
		`{selection: {Image|cidr: 10.0.0.0/8}, condition: selection}`,
		`{selection: {Image: that}, condition: selection}`,
		`{selection: null, condition: 1 of selection*}`, // the engine panics
	} {
		s, err := parse(file{Path: "rule.yml", Data: []byte("detection: " + detection)})
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, s)
	}
	e, bad := newGoSigma(sources)
	if want := []int32{1, 3}; !slices.Equal(bad, want) {
		t.Errorf("not loaded: %v, want %v", bad, want)
	}
	if got, want := e.Match([]byte(`{"Image":"that"}`)), []int32{2}; !slices.Equal(got, want) {
		t.Errorf("Match = %v, want %v", got, want)
	}
}

func TestGoSigmaNameIsItsVersion(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := "/" + goSigmaName + "\n"; !strings.Contains(string(mod), want) {
		t.Errorf("go.mod does not require %q", want)
	}
}
