package consume

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// bounds are offsets of one partition, asked for one after the other.
type bounds struct {
	position int64 // where the group goes on: what it has committed, else the first record there is
	stable   int64 // the last stable offset: read_committed readers get no further
	end      int64 // the high watermark
}

// A standing is what is known of one partition.
type standing struct {
	bounds
	unread  time.Time // of the oldest unread record; zero = nothing is unread, or for less than one look
	read    bool      // unread is the record's own timestamp; else when it was first missed
	blocked time.Time // since when the last stable offset has stood before records; zero = it has not
}

// stand compares a partition with how it stood at the look before, if known. read says that the oldest unread record is
// to be read for its time; until it is, unread says since when it was missed.
//
// A record that has come since the look before is too young to matter, so a replica that keeps up reads nothing. One
// whose time is known is not read again. What lies between position and stable need not be records: behind a
// transaction there is always a marker, which nobody commits.
func stand(b bounds, prev standing, known bool, now time.Time) (s standing, read bool) {
	s = standing{bounds: b}
	if b.end > b.stable {
		s.blocked = now
		if known && !prev.blocked.IsZero() && prev.stable == b.stable {
			s.blocked = prev.blocked
		}
	}
	switch {
	case b.stable <= b.position:
	case known && prev.stable <= b.position:
	case known && prev.position == b.position && prev.read && (!prev.unread.IsZero() || prev.stable == b.stable):
		s.unread, s.read = prev.unread, true
	case known && prev.position == b.position && !prev.unread.IsZero():
		s.unread, read = prev.unread, true // it could not be read then
	default:
		s.unread, read = now, true
	}
	return s, read
}

// lag is the number of offsets that read_committed readers could read and the group has not.
func (s standing) lag() int64 { return max(s.stable-s.position, 0) }

// age is how long ago t was, in seconds; 0 for the zero time and for one to come.
func age(now, t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Seconds(), 0)
}

type lagDescriptions struct{ records, unread, blocked, partitions, looked *prometheus.Desc }

func newLagDescriptions() lagDescriptions {
	labels := []string{"topic", "partition"}
	return lagDescriptions{
		records: prometheus.NewDesc("ttp_consume_lag_records",
			"Offsets between what the group has committed and the last stable offset, by partition that this replica owns; markers count, so 1 may stay for ever.",
			labels, nil),
		unread: prometheus.NewDesc("ttp_consume_oldest_unread_age_seconds",
			"Age of the oldest record that the group has not committed, by partition that this replica owns; 0 while nothing waits for more than 10 s.",
			labels, nil),
		blocked: prometheus.NewDesc("ttp_consume_open_transaction_age_seconds",
			"How long the last stable offset has stood still before records: a producer's transaction hangs; 0 while it moves.",
			labels, nil),
		partitions: prometheus.NewDesc("ttp_consume_assigned_partitions", "Partitions that this replica was assigned last.", nil, nil),
		looked: prometheus.NewDesc("ttp_consume_lag_last_success_timestamp_seconds",
			"When the partitions' lag was last looked at; 0 = never.", nil, nil),
	}
}

var _ prometheus.Collector = (*lag)(nil)

// Describe implements prometheus.Collector.
func (l *lag) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{l.desc.records, l.desc.unread, l.desc.blocked, l.desc.partitions, l.desc.looked} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. Ages are as of now, also when the last look was long ago.
func (l *lag) Collect(ch chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	owned := l.owned()
	gauge(l.desc.partitions, float64(len(owned)))
	looked := 0.0
	if !l.looked.IsZero() {
		looked = float64(l.looked.UnixMilli()) / 1000
	}
	gauge(l.desc.looked, looked)
	for p, s := range l.stands {
		if _, still := owned[p]; !still {
			continue
		}
		number := strconv.Itoa(int(p.Number))
		gauge(l.desc.records, float64(s.lag()), p.Topic, number)
		gauge(l.desc.unread, age(now, s.unread), p.Topic, number)
		gauge(l.desc.blocked, age(now, s.blocked), p.Topic, number)
	}
}
