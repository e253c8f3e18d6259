package telemetry

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// LogConfig is about the log on standard error.
type LogConfig struct {
	Level  string `yaml:"level"  env:"LEVEL"`  // debug, info, warn or error
	Format string `yaml:"format" env:"FORMAT"` // text or json
}

// DefaultLogConfig is text from info on.
func DefaultLogConfig() LogConfig { return LogConfig{Level: "info", Format: "text"} }

// Validate reports everything that is wrong, joined.
func (c LogConfig) Validate() error {
	var errs []error
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) != nil {
		errs = append(errs, fmt.Errorf("log.level %q: one of debug, info, warn, error", c.Level))
	}
	if c.Format != "text" && c.Format != "json" {
		errs = append(errs, fmt.Errorf("log.format %q: one of text, json", c.Format))
	}
	return errors.Join(errs...)
}

// NewLogger makes a logger that writes to w. A Config that Validate refuses gives text from info on.
func NewLogger(w io.Writer, c LogConfig) *slog.Logger {
	opts := &slog.HandlerOptions{}
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) == nil {
		opts.Level = level
	}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
