package kafka

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// answers remember when a broker last answered, whichever client of the process asked. The requests that open a
// connection do not count: a broker that refuses a password answers those, and is of no use. Safe for concurrent use.
type answers struct{ last atomic.Int64 } // Unix time in nanoseconds; 0 = never

var _ kgo.HookBrokerRead = (*answers)(nil)

// OnBrokerRead implements kgo.HookBrokerRead.
func (a *answers) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	opens := []kmsg.Key{kmsg.ApiVersions, kmsg.SASLHandshake, kmsg.SASLAuthenticate}
	if err == nil && !slices.Contains(opens, kmsg.Key(key)) {
		a.last.Store(time.Now().UnixNano())
	}
}

// LastAnswer is when a broker last answered a client of this process; the zero time before that. A replica always has
// a question open: what follows the states waits for records, for 5 s at the most.
func (c *Cluster) LastAnswer() time.Time {
	ns := c.answers.last.Load()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
