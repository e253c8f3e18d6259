package oracle

import "fmt"

// A Written is a record whose writing was acknowledged.
type Written struct {
	Position
	Bytes  uint64 // fingerprint of its value
	Poison bool
}

// A Ledger is what was acknowledged of one partition, in the order of offsets.
type Ledger struct{ Written []Written }

// Meet compares the next record of the input topic with the next one that was acknowledged, and marks it as poison if it
// was written as such. An error is about the brokers and not the workers.
func (l *Ledger) Meet(in *Input) error {
	if len(l.Written) == 0 {
		return fmt.Errorf("record %s is there and was never acknowledged", in.Position)
	}
	w := l.Written[0]
	l.Written = l.Written[1:]
	if in.Position != w.Position || in.Bytes != w.Bytes {
		return fmt.Errorf("record %s was acknowledged, and %s is what is there", w.Position, in.Position)
	}
	in.Poison = w.Poison
	return nil
}

// End is an error if something that was acknowledged has not been met.
func (l *Ledger) End() error {
	if len(l.Written) > 0 {
		return fmt.Errorf("record %s was acknowledged and is gone", l.Written[0].Position)
	}
	return nil
}

// A Sighting is a record that a reader of committed records was given.
type Sighting struct {
	Offset int64
	Bytes  uint64 // fingerprint of key, value and headers
}

// Compare counts what a reader saw during the run, of one partition, and a reader after it does not (phantoms: records of
// aborted transactions), and what the first one never saw.
func Compare(live, final []Sighting) (phantoms, unseen int) {
	for len(live) > 0 && len(final) > 0 {
		switch {
		case live[0] == final[0]:
			live, final = live[1:], final[1:]
		case live[0].Offset <= final[0].Offset:
			phantoms++
			live = live[1:]
		default:
			unseen++
			final = final[1:]
		}
	}
	return phantoms + len(live), unseen + len(final)
}
