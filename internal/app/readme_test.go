package app_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3" //nolint:depguard // the test must see the file as others do

	"ttpworker/internal/app"
)

// The reference in the README has every key, at its default, and no other.
func TestTheReadmeListsEveryKeyAndItsDefault(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(readme), "```yaml\nkafka:\n")
	if !found {
		t.Fatal("README.md has no configuration reference that begins with kafka:")
	}
	block, _, _ = strings.Cut("kafka:\n"+block, "```")
	file := filepath.Join(t.TempDir(), "worker.yaml")
	if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _, err := app.Load(file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got.Input.Topics, got.Kafka.SASL.Scopes, got.Registry.URLs = nil, nil, nil // the reference shows them as empty lists
	if diff := cmp.Diff(app.DefaultConfig(), got); diff != "" {
		t.Errorf("configuration of the README (-default +README):\n%s", diff)
	}
	var written map[string]any
	if err := yaml.Unmarshal([]byte(block), &written); err != nil {
		t.Fatal(err)
	}
	missing(t, "", reflect.TypeFor[app.Config](), written)
}

// missing reports the keys of a configuration struct that are not written.
func missing(t *testing.T, path string, typ reflect.Type, written map[string]any) {
	t.Helper()
	for f := range typ.Fields() {
		key, flags, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case flags == "inline":
			missing(t, path, f.Type, written)
			continue
		case key == "-":
			continue
		}
		value, ok := written[key]
		if !ok {
			t.Errorf("README.md does not list %s%s", path, key)
		}
		if inner, nested := value.(map[string]any); nested {
			missing(t, path+key+".", f.Type, inner)
		}
	}
}
