package quality

import (
	"fmt"
	"time"

	"ttpworker/internal/match"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger/engine"
)

const (
	// maxPerByte is what a rule may take for a byte of the events that it was written for, in nanoseconds, before that is
	// worth a warning: one expression takes about 2 for a byte of a text that it is tried on, and some hundreds where each
	// byte leads it to a state that is new. A worker that takes so long for all bytes reads a megabyte per second.
	maxPerByte = 1000

	slowTime = 2 * time.Millisecond // of the measurement
)

// slow warns of a rule that takes long for the events of its own tests, alone. Other rules and other events are for Bench.
func slow(r *rule.Rule) []*rule.Error {
	var nanoseconds, bytes float64
	for _, kind := range r.Kinds {
		var payloads [][]byte
		for _, t := range r.Tests {
			if t.Kind == kind {
				payloads = append(payloads, engine.Extended(kind, t.Payload))
				bytes += float64(len(t.Payload))
			}
		}
		if len(payloads) == 0 {
			continue
		}
		x, s := indexOf(r.On(kind)), match.NewScratch()
		nanoseconds += float64(len(payloads)) * fastest(slowTime, len(payloads), func(i int) {
			_, _ = x.Match(payloads[i], s) // the tests say what is wrong with a payload
		})
	}
	if bytes == 0 || nanoseconds/bytes <= maxPerByte {
		return nil
	}
	return []*rule.Error{r.Warning(rule.Slow, match.Pos{}, fmt.Errorf(
		"takes %.0f ns for each byte of the events in its tests, alone, where %d would be much: see worker rules bench, and give patterns words that they need",
		nanoseconds/bytes, maxPerByte))}
}
