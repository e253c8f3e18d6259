package consume

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A fatalError stops the worker: a new session would fare no better.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

func fatalf(format string, args ...any) error {
	return classify(&fatalError{fmt.Errorf(format, args...)})
}

const takenOver = "another worker runs under the same kafka.replica, or this one was paused for longer than kafka.session_timeout"

// classify marks as fatal what only a person can mend, and says how. Everything else is the end of a session.
func classify(err error) error {
	for _, c := range []struct {
		is     error
		advice string
	}{
		{kerr.FencedInstanceID, takenOver},
		{kerr.ProducerFenced, takenOver},
		{kerr.InvalidProducerEpoch, takenOver},
		{kerr.InvalidTransactionTimeout, "kafka.transaction_timeout is above the broker's transaction.max.timeout.ms"},
		{kerr.InvalidSessionTimeout, "kafka.session_timeout is outside the broker's group.min.session.timeout.ms and group.max.session.timeout.ms"},
		{kerr.InconsistentGroupProtocol, "the other members of kafka.group use another balancer"},
		{kerr.TopicAuthorizationFailed, "the principal lacks an ACL on that topic: see docs/security.md"},
		{kerr.GroupAuthorizationFailed, "the principal lacks an ACL on kafka.group, or on ttp-retag-* for a retag: see docs/security.md"},
		{kerr.TransactionalIDAuthorizationFailed, "the principal lacks an ACL on the transactional ids that begin with kafka.group, or with ttp-retag- for a retag: see docs/security.md"},
		{kerr.ClusterAuthorizationFailed, "the principal lacks an ACL: see docs/security.md"},
		{kerr.UnknownTopicID, "a topic was deleted and made anew while the worker ran"},
		{kerr.InvalidTimestamp, "the topic refuses the record's time (message.timestamp.*)"},
		{kerr.InvalidRecord, "the topic refuses the record"},
		{kerr.MessageTooLarge, "raise max.message.bytes of that topic"},
		{kerr.RecordListTooLarge, "raise max.message.bytes of that topic"},
	} {
		if errors.Is(err, c.is) {
			return &fatalError{fmt.Errorf("%w (%s)", err, c.advice)}
		}
	}
	return err
}

// sortOut looks at what a poll could not do. kgo retries what it can; what it hands on is mostly news, not
// trouble. A returned error ends the session. The same trouble again is counted and not logged, and a poll that
// brought nothing else is followed by a pause, as the next one would fail at once.
func (m *member) sortOut(ctx context.Context, fetches kgo.Fetches) error {
	var all []string
	m.bombs = nil
	for _, e := range fetches.Errors() {
		if errors.Is(e.Err, context.DeadlineExceeded) || errors.Is(e.Err, context.Canceled) || ctx.Err() != nil {
			continue // the poll was over, or we are asked to stop
		}
		err := classify(e.Err)
		if _, fatal := errors.AsType[*fatalError](err); fatal || errors.Is(err, kgo.ErrClientClosed) {
			return fmt.Errorf("reading %s: %w", place(e), err)
		}
		if bomb, ok := errors.AsType[*kgo.ErrDecompressTooLarge](e.Err); ok {
			m.bombs = append(m.bombs, bomb)
			continue
		}
		if loss, ok := errors.AsType[*kgo.ErrDataLoss](e.Err); ok {
			m.metrics.dataLoss.Inc()
			m.log.Error("records were lost before they were read", "topic", e.Topic, "partition", e.Partition,
				"consumed_to", loss.ConsumedTo, "reset_to", loss.ResetTo)
			continue
		}
		m.metrics.pollErrors.Inc()
		all = append(all, place(e)+": "+m.cluster.Explain(e.Err).Error())
	}
	trouble := strings.Join(all, "; ")
	if trouble != m.trouble && trouble != "" {
		m.log.Warn("poll error, going on", "err", trouble)
	}
	m.trouble = trouble
	if trouble != "" && fetches.NumRecords() == 0 {
		select {
		case <-time.After(troublePause):
		case <-ctx.Done():
		}
	}
	return nil
}

// troublePause is the pause after a poll that brought nothing but errors.
const troublePause = 100 * time.Millisecond

// place says where a fetch error belongs; without a topic it is the group's.
func place(e kgo.FetchError) string {
	if e.Topic == "" {
		return "the consumer group"
	}
	return fmt.Sprintf("%s/%d", e.Topic, e.Partition)
}
