package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ttpworker/internal/wire"
	"ttpworker/internal/yamlx"
)

// A LetterLimit says how many dead letters are too many: a flood of them is a bad deploy, of a sensor, of a schema
// or of this worker, and not bad data. The worker then stops, and the records are read again when that is mended.
//
// It is exceeded by a batch that would take the share of dead letters among the records committed in the last Window,
// its own included, above MaxRatio, if these are MinRecords at least and the batch itself is above MaxRatio: one that
// is well again ends a flood and does not pay for it.
type LetterLimit struct {
	MaxRatio   float64       `yaml:"max_ratio"   env:"MAX_RATIO"`   // of 0 to 1; 0 = no limit
	Window     time.Duration `yaml:"window"      env:"WINDOW"`      // what is measured
	MinRecords int           `yaml:"min_records" env:"MIN_RECORDS"` // fewer in a window say nothing
	Classes    yamlx.Strings `yaml:"classes"     env:"CLASSES"`     // of wire: the dead letters that count
}

// DefaultLetterLimit stops when more than half of a minute's records, 500 at least, are dead letters of the classes
// that sensors, schemas and this worker answer for.
//
// Half, since below that the worker does more good than harm: letters can be replayed, and the good records are
// tagged meanwhile. 500, since 3 bad records at night are no flood and one sensor that repeats itself for a minute
// is none either; a worker that reads fewer has a person look at the alert. Payloads that are too large or too deep do
// not count: attackers write those, and must not be able to switch the worker off.
func DefaultLetterLimit() LetterLimit {
	return LetterLimit{
		MaxRatio: 0.5, Window: time.Minute, MinRecords: 500,
		Classes: yamlx.Strings{string(wire.Undecodable), string(wire.UnknownSchema), string(wire.NotObject), string(wire.BadField)},
	}
}

// Validate reports everything that is wrong, joined.
func (l LetterLimit) Validate() error {
	var errs []error
	if !(l.MaxRatio >= 0 && l.MaxRatio < 1) {
		errs = append(errs, fmt.Errorf("dlq.max_ratio %v is not at least 0 and less than 1: 0 means no limit, and nothing is above 1", l.MaxRatio))
	}
	if l.Window <= 0 {
		errs = append(errs, fmt.Errorf("dlq.window %s is not positive", l.Window))
	}
	if l.MinRecords < 1 {
		errs = append(errs, fmt.Errorf("dlq.min_records %d is less than 1", l.MinRecords))
	}
	if len(l.Classes) == 0 {
		errs = append(errs, errors.New("dlq.classes is empty, so that nothing counts: dlq.max_ratio 0 is how to say that"))
	}
	for _, c := range l.Classes {
		if !slices.Contains(wire.Classes(), wire.Class(c)) {
			errs = append(errs, fmt.Errorf("dlq.classes: unknown %q; known: %s", c, wire.ClassNames()))
		}
	}
	return errors.Join(errs...)
}

func (l LetterLimit) counts(c wire.Class) bool { return slices.Contains(l.Classes, string(c)) }

// check returns a *FloodError if a batch that comes to open is too much after what is in the window: total is both.
func (l LetterLimit) check(total, open *tally) error {
	if l.MaxRatio == 0 || total.records < l.MinRecords || total.ratio() <= l.MaxRatio || open.ratio() <= l.MaxRatio {
		return nil
	}
	worst := open.classes()[0]
	return &FloodError{Limit: l, Records: total.records, Letters: total.letters, Example: open.examples[worst]}
}

// A FloodError says that too many records are dead letters: see LetterLimit.
type FloodError struct {
	Limit   LetterLimit
	Records int                // in the window, the batch that was too much included
	Letters map[wire.Class]int // of them, by class; of classes that count
	Example Example            // of the class that has most in that batch
}

// An Example is one record that is no event.
type Example struct {
	Source string // topic/partition/offset
	Err    error  // begins with the class

	topic     string
	partition int32
	offset    int64
}

// Error is several lines, for whoever finds the worker stopped.
func (e *FloodError) Error() string {
	t := tally{records: e.Records, letters: e.Letters}
	classes := t.classes()
	parts := make([]string, len(classes))
	for i, c := range classes {
		parts[i] = fmt.Sprintf("%s %d", c, e.Letters[c])
	}
	return fmt.Sprintf("%.1f %% of the records of the last %s are dead letters (%d of %d), the limit is %.1f %% (dlq.max_ratio)\n"+
		"  by class: %s\n"+
		"  the first of this batch: %s: %v\n"+
		"  This batch is not committed: its records are read again at the next start, and nothing is lost.\n"+
		"  So many at once are no bad data but a bad deploy: of a sensor, of a schema, or of this worker. Mend it and start again.\n"+
		"  To let them pass and replay them later (`worker dlq replay`): --set dlq.max_ratio=0, or DECNET_TTP_DLQ_MAX_RATIO=0.",
		100*t.ratio(), e.Limit.Window, t.bad(), e.Records, 100*e.Limit.MaxRatio, strings.Join(parts, ", "), e.Example.Source, e.Example.Err)
}
