package rule

import (
	"errors"
	"fmt"
)

// Levels are the confidences that stand for the levels of Sigma rules, 0 to 1.
type Levels struct {
	Informational float64 `yaml:"informational" env:"INFORMATIONAL"`
	Low           float64 `yaml:"low"           env:"LOW"`
	Medium        float64 `yaml:"medium"        env:"MEDIUM"`
	High          float64 `yaml:"high"          env:"HIGH"`
	Critical      float64 `yaml:"critical"      env:"CRITICAL"`
	Missing       float64 `yaml:"missing"       env:"MISSING"` // of a rule without a level
}

// DefaultLevels are the defaults of sigma.levels.
func DefaultLevels() Levels {
	return Levels{Informational: 0.2, Low: 0.35, Medium: 0.55, High: 0.75, Critical: 0.9, Missing: 0.5}
}

// Validate reports every confidence that is none, joined.
func (l Levels) Validate() error {
	var errs []error
	for _, level := range levelNames() {
		if c := l.of(level); !(c >= 0 && c <= 1) { // NaN is neither
			if level == "" {
				level = "missing"
			}
			errs = append(errs, fmt.Errorf("sigma.levels.%s %v is not between 0 and 1", level, c))
		}
	}
	return errors.Join(errs...)
}

// levelNames are the levels of the Sigma specification, and "" for none.
func levelNames() []string { return []string{"informational", "low", "medium", "high", "critical", ""} }

// of is the confidence of one of levelNames.
func (l Levels) of(level string) float64 {
	switch level {
	case "informational":
		return l.Informational
	case "low":
		return l.Low
	case "medium":
		return l.Medium
	case "high":
		return l.High
	case "critical":
		return l.Critical
	default:
		return l.Missing
	}
}
