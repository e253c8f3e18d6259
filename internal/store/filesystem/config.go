package filesystem

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"ttpworker/internal/rule"
)

// Config says where the rule files are and how patiently they are read.
type Config struct {
	Dir          string        `env:"DIR"      yaml:"dir"`        // directory of rule files, read recursively; default rules/ttp
	ListsDir     string        `env:"LISTS_DIR" yaml:"lists_dir"` // directory of shared lists, read recursively; "" = lists in Dir and lists beside it
	Quiet        time.Duration `env:"QUIET"    yaml:"quiet"`      // a file is read when nothing has changed for this long; default 50ms
	MaxWait      time.Duration `env:"MAX_WAIT" yaml:"max_wait"`   // the longest wait for quiet; default 1s
	Hold         time.Duration `env:"HOLD"     yaml:"hold"`       // extra wait for a file that looks half-written; default 500ms
	Rescan       time.Duration `env:"RESCAN"   yaml:"rescan"`     // everything is looked at this often, for file systems without inotify; default 30s
	MaxFileBytes int           `env:"-"        yaml:"-"`          // larger files are refused; set from limits.rule_bytes, default 393216
	MaxRules     int           `env:"-"        yaml:"-"`          // no more rules, and no more lists, are in force; set from limits.rules, default 50000
}

// DefaultConfig is the configuration where nothing else is said.
func DefaultConfig() Config {
	return Config{
		Dir:          "rules/ttp",
		Quiet:        50 * time.Millisecond,
		MaxWait:      time.Second,
		Hold:         500 * time.Millisecond,
		Rescan:       30 * time.Second,
		MaxFileBytes: rule.DefaultMaxBytes,
		MaxRules:     rule.DefaultMaxRules,
	}
}

// ListDirs are the directories of shared lists: the one that is configured, else lists in the rule directory and lists
// beside it. They need not exist.
func (c Config) ListDirs() []string {
	if c.ListsDir != "" {
		return []string{filepath.Clean(c.ListsDir)}
	}
	dirs := []string{filepath.Join(c.Dir, rule.ListsName)}
	if beside := filepath.Join(c.Dir, "..", rule.ListsName); !within(c.Dir, beside) {
		dirs = append(dirs, beside)
	}
	return dirs
}

// Validate reports everything that is wrong with the configuration, joined.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("rule_store.dir is empty: name the directory of the rule files"))
	}
	if c.ListsDir != "" && c.Dir != "" && within(c.Dir, c.ListsDir) {
		errs = append(errs, fmt.Errorf("rule_store.lists_dir is %s, where the rules are (rule_store.dir): give the lists a directory of their own", c.ListsDir))
	}
	if c.Quiet <= 0 {
		errs = append(errs, fmt.Errorf("rule_store.quiet is %s: it must be more than 0", c.Quiet))
	}
	if c.MaxWait < c.Quiet {
		errs = append(errs, fmt.Errorf("rule_store.max_wait is %s: it must not be less than quiet, %s", c.MaxWait, c.Quiet))
	}
	if c.Hold < 0 {
		errs = append(errs, fmt.Errorf("rule_store.hold is %s: it must not be less than 0", c.Hold))
	}
	if c.Rescan <= 0 {
		errs = append(errs, fmt.Errorf("rule_store.rescan is %s: it must be more than 0", c.Rescan))
	}
	if c.MaxFileBytes <= 0 {
		errs = append(errs, fmt.Errorf("limits.rule_bytes is %d: it must be more than 0", c.MaxFileBytes))
	}
	if c.MaxRules <= 0 {
		errs = append(errs, fmt.Errorf("limits.rules is %d: it must be more than 0", c.MaxRules))
	}
	return errors.Join(errs...)
}
