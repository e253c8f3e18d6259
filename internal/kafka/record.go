package kafka

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A Record is a Kafka record as the worker sees it, in or out. A nil Value is a tombstone, an empty one a value.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64     // of a record that was read
	Time      time.Time // of a record that was read; zero on one to write = when it is written
	Key       []byte
	Value     []byte
	Headers   []Header
}

// A Header is a key and its value. It is the client's own, so that nothing is copied: a record of some kilobytes on the
// wire can unpack to tens of millions of headers.
type Header = kgo.RecordHeader

// Header returns the value of the last header of this key, "" if there is none.
func (r *Record) Header(key string) string {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// FromClient makes a Record of what the client read. Bytes and headers are shared.
func FromClient(r *kgo.Record) Record {
	return Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Timestamp, Key: r.Key, Value: r.Value, Headers: r.Headers}
}

// ToClient makes what the client writes of a Record. Bytes and headers are shared; the partition is the record's own.
func (r *Record) ToClient() *kgo.Record {
	return &kgo.Record{Topic: r.Topic, Partition: r.Partition, Timestamp: r.Time, Key: r.Key, Value: r.Value, Headers: r.Headers}
}

// headerFrame is what Kafka adds to a header at the most: two lengths of up to 5 bytes, in bytes.
const headerFrame = 10

// Size is what the record's key, value and headers take, in bytes, the framing of headers included.
func (r *Record) Size() int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + headerFrame
	}
	return n
}
