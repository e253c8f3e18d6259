//go:build linux

package filesystem

import (
	"strings"
	"testing"
)

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("DefaultConfig().Validate() = %v", err)
	}
	err := Config{MaxWait: -1, Hold: -1}.Validate()
	for _, want := range []string{"rule_store.dir", "rule_store.quiet", "rule_store.max_wait", "rule_store.hold", "rule_store.rescan", "limits.rule_bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate of nothing = %v, want it to mention %s", err, want)
		}
	}
}
