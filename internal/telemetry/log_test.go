package telemetry_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"ttpworker/internal/telemetry"
)

func TestLogConfigValidate(t *testing.T) {
	t.Parallel()
	if err := telemetry.DefaultLogConfig().Validate(); err != nil {
		t.Errorf("Validate of the default = %v, want nil", err)
	}
	for _, tt := range []struct {
		cfg  telemetry.LogConfig
		want string
	}{
		{telemetry.LogConfig{Level: "debug", Format: "json"}, ""},
		{telemetry.LogConfig{Level: "WARN", Format: "text"}, ""},
		{telemetry.LogConfig{Level: "error", Format: "text"}, ""},
		{telemetry.LogConfig{Level: "verbose", Format: "text"}, `log.level "verbose": one of debug, info, warn, error`},
		{telemetry.LogConfig{Level: "info", Format: "xml"}, `log.format "xml": one of text, json`},
		{telemetry.LogConfig{}, `log.level "": one of debug, info, warn, error` + "\n" + `log.format "": one of text, json`},
	} {
		got := ""
		if err := tt.cfg.Validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v.Validate =\n%s\nwant\n%s", tt.cfg, got, tt.want)
		}
	}
}

func TestNewLoggerWritesItsLevelAndAbove(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cfg  telemetry.LogConfig
		want int // lines of the four
	}{
		{telemetry.LogConfig{Level: "debug", Format: "text"}, 4},
		{telemetry.LogConfig{Level: "info", Format: "json"}, 3},
		{telemetry.LogConfig{Level: "warn", Format: "text"}, 2},
		{telemetry.LogConfig{Level: "error", Format: "json"}, 1},
		{telemetry.LogConfig{}, 3}, // one that Validate refuses is info
	} {
		var out bytes.Buffer
		log := telemetry.NewLogger(&out, tt.cfg)
		log.Debug("message", "rule", "R1")
		log.Info("message", "rule", "R1")
		log.Warn("message", "rule", "R1")
		log.Error("message", "rule", "R1")
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != tt.want {
			t.Errorf("%+v: %d lines, want %d", tt.cfg, len(lines), tt.want)
		}
		for _, line := range lines {
			var parsed struct{ Msg, Rule string }
			isJSON := json.Unmarshal([]byte(line), &parsed) == nil && parsed.Msg == "message" && parsed.Rule == "R1"
			if isJSON != (tt.cfg.Format == "json") || !isJSON && !strings.Contains(line, "msg=message rule=R1") {
				t.Errorf("%+v: line %s", tt.cfg, line)
			}
		}
	}
}
