package wire

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// docs/topics.md tells producers in other languages which fingerprints are read: it must tell the truth.
func TestTheDocumentedFingerprintsAreThoseOfTheSchemas(t *testing.T) {
	doc, err := os.ReadFile("../../docs/topics.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := released()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		name := strings.TrimPrefix(string(s.record), "ttp.")
		if row := fmt.Sprintf("| `%s` | `%s` | `%s` |", name, s.print, s.alias); !strings.Contains(string(doc), row) {
			t.Errorf("docs/topics.md lacks the row %s", row)
		}
	}
}
