package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
)

// retag makes history follow a plan of rules that are not those of the worker, so that there is something to write, and
// then those of the worker again.
func (g *guarded) retag(t *testing.T, log *slog.Logger) error {
	t.Helper()
	for _, dir := range []string{ruleDir(t, "R3"), ruleDir(t, "R1", "R2")} {
		cfg := g.config(t, scramUser("ttp-retag"))
		cfg.RuleStore.Dir = dir
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		out, err := app.RetagHistory(ctx, cfg, log, app.Retag{From: kafka.Earliest, To: kafka.Now, Memory: 1 << 20})
		cancel()
		if err == nil && out.Report.Records == 0 {
			err = errors.New("nothing was written")
		}
		if err != nil {
			return fmt.Errorf("ttp-retag: %w", err)
		}
	}
	return nil
}
