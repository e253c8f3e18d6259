//go:build !linux

package filesystem

import (
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/store"
	"ttpworker/internal/store/storetest"
)

func TestNeedsLinux(t *testing.T) {
	const want = "filesystem store needs Linux inotify; set DECNET_TTP_RULE_STORE_TYPE=database"
	_, err := New(DefaultConfig(), storetest.Parse, store.NewMemoryLog(), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err == nil || err.Error() != want {
		t.Errorf("New = %v, want %q", err, want)
	}
}
