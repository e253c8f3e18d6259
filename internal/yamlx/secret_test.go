package yamlx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const password = "hunter2"

// A holder has secrets in all places where a struct can have one.
type holder struct {
	Open   Secret `yaml:"open"   json:"open"`
	closed Secret
	Behind *Secret           `yaml:"behind" json:"behind"`
	Many   []Secret          `yaml:"many"   json:"many"`
	Named  map[string]Secret `yaml:"named"  json:"named"`
}

func full() holder {
	s := NewSecret(password)
	return holder{Open: s, closed: s, Behind: &s, Many: []Secret{s}, Named: map[string]Secret{"a": s}}
}

func TestASecretIsShownByNothingButReveal(t *testing.T) {
	t.Parallel()
	h := full()
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%20s", "%T", "%p"} {
		shown[verb+" of a secret"] = fmt.Sprintf(verb, h.Open)
		shown[verb+" of a struct"] = fmt.Sprintf(verb, h)
		shown[verb+" of a pointer"] = fmt.Sprintf(verb, &h)
		shown[verb+" in a list"] = fmt.Sprintf(verb, []any{h, &h})
	}
	var text, lines bytes.Buffer
	for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&text, nil)), slog.New(slog.NewJSONHandler(&lines, nil))} {
		l.Info("m", "secret", h.Open, "struct", h, "pointer", &h, "list", h.Many)
	}
	shown["a text log"], shown["a JSON log"] = text.String(), lines.String()
	data, err := json.Marshal(h)
	if err != nil {
		t.Error(err)
	}
	shown["JSON"] = string(data)
	if data, err = yaml.Marshal(h); err != nil {
		t.Error(err)
	}
	shown["YAML"] = string(data)
	for way, text := range shown {
		for _, form := range []string{password, fmt.Sprintf("%x", password), fmt.Sprintf("%X", password), strings.Trim(fmt.Sprintf("%d", []byte(password)), "[]")} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows the secret: %s", way, text)
			}
		}
	}
	if got := h.Open.Reveal(); got != password {
		t.Errorf("Reveal = %q, want the secret", got)
	}
	if got := fmt.Sprintf("%v|%v", h.Open, Secret{}); got != "[hidden]|" {
		t.Errorf("a secret and an empty one are shown as %s, want [hidden]|", got)
	}
}

func TestSecretsAreEqualByTheirText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{{"", "", true}, {"x", "x", true}, {"x", "y", false}, {"", "x", false}} {
		if got := NewSecret(tt.a).Equal(NewSecret(tt.b)); got != tt.want {
			t.Errorf("Equal(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
	var s Secret
	if !s.IsZero() || !NewSecret("").IsZero() || NewSecret("x").IsZero() {
		t.Error("IsZero does not tell the empty secret from others")
	}
}

func TestSecretsAreDecodedAsWritten(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, yaml, want string }{
		{"a text", "open: hunter2", "hunter2"},
		{"what looks like a number", "open: 0042", "0042"},
		{"what looks like a truth value", "open: yes", "yes"},
		{"quotes are none of it", `open: "a: b # c"`, "a: b # c"},
		{"null leaves it", "open:", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var h holder
			doc, err := Parse([]byte(tt.yaml), 1<<10)
			if err != nil {
				t.Fatal(err)
			}
			if err := doc.Decode(&h); err != nil || h.Open.Reveal() != tt.want {
				t.Errorf("Decode(%s) = %q, %v, want %q", tt.yaml, h.Open.Reveal(), err, tt.want)
			}
		})
	}
}

func TestAFaultOfASecretDoesNotShowIt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"open: [hunter2]", "open: {hunter2: x}", "many: {a: hunter2}", "named: [hunter2]"} {
		var h holder
		doc, err := Parse([]byte(text), 1<<10)
		if err != nil {
			t.Fatal(err)
		}
		if err := doc.Decode(&h); err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("Decode(%s) = %v, want a fault without the secret", text, err)
		}
	}
}
