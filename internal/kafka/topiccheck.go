package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Severity says how bad it is what was found about a topic.
type Severity int

// The severities, the worst last.
const (
	Doubtful  Severity = iota // may be meant so
	Wrong                     // breaks a promise; a worker starts all the same
	Dangerous                 // data would be lost or mixed up: no worker starts
)

// A Finding is what is not as it should be about a topic.
type Finding struct {
	Severity Severity
	Err      error // what it is, and what to run
}

// Findings are those about all topics.
type Findings []Finding

// Of returns what is of a severity, or worse, joined.
func (f Findings) Of(least Severity) error {
	var errs []error
	for _, one := range f {
		if one.Severity >= least {
			errs = append(errs, one.Err)
		}
	}
	return errors.Join(errs...)
}

// CheckTopics compares what was found with what it should be.
func (c *Cluster) CheckTopics(found map[string]Topic, specs []TopicSpec) Findings {
	var all Findings
	for _, s := range specs {
		all = append(all, s.check(found, c.brokers[0])...)
	}
	return all
}

func (s TopicSpec) check(found map[string]Topic, broker string) (all Findings) {
	tell := func(severity Severity, format string, args ...any) {
		all = append(all, Finding{severity, fmt.Errorf("topic %s "+format, append([]any{s.Name}, args...)...)})
	}
	t, ok := found[s.Name]
	if !ok {
		tell(Dangerous, "does not exist: run `worker topics ensure`, or set topics.create: true")
		return all
	}
	alter := func(key string, value any) string {
		return fmt.Sprintf("run `kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s=%v`", broker, s.Name, key, value)
	}
	policies := strings.Split(strings.ReplaceAll(t.policy, " ", ""), ",")
	if !slices.Equal(policies, []string{s.policy()}) {
		tell(Dangerous, "has %s=%s, want %s: %s", cleanupPolicy, t.policy, s.policy(), alter(cleanupPolicy, s.policy()))
	}
	switch {
	case s.MinPartitions > 0 && t.Partitions < s.MinPartitions:
		tell(Dangerous, "has %d partitions, want at least %d: partitions are never added to a topic in use, "+
			"so make a new one (topics.*.name) and run `worker topics ensure`", t.Partitions, s.MinPartitions)
	case s.MaxPartitions > 0 && t.Partitions > s.MaxPartitions:
		tell(Dangerous, "has %d partitions, want at most %d: make a new one (topics.*.name) and run `worker topics ensure`",
			t.Partitions, s.MaxPartitions)
	}
	if t.MaxMessage > 0 && t.MaxMessage < s.MinMessage {
		tell(Dangerous, "has %s=%d, want at least %d: %s", maxMessageBytes, t.MaxMessage, s.MinMessage, alter(maxMessageBytes, s.MinMessage))
	}
	if want := s.Settings[timestampType]; want != "" && t.timestamps != "" && t.timestamps != want {
		tell(Wrong, "has %s=%s, want %s, as records must keep their own times: %s", timestampType, t.timestamps, want, alter(timestampType, want))
	}
	if t.Retention > 0 && t.Retention < s.MinRetention {
		tell(Doubtful, "has %s=%d, and its records are gone after %s; to keep them as long as `worker topics ensure` says, %s",
			retentionMS, t.Retention.Milliseconds(), t.Retention, alter(retentionMS, s.Settings[retentionMS]))
	}
	return all
}
