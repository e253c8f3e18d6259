package consume

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Outputs must never be committed without the offsets of their batch: the records would come, and go out, again.
func TestATransactionIsCoveredByTheOffsetsOfAllItsRecords(t *testing.T) {
	records := func(topic string, partition int32, last int64) kgo.FetchTopicPartition {
		return kgo.FetchTopicPartition{
			Topic: topic, FetchPartition: kgo.FetchPartition{Partition: partition, Records: []*kgo.Record{{Offset: last}}},
		}
	}
	var o transaction
	o.reached([]kgo.FetchTopicPartition{records("a", 0, 4), records("a", 1, 9)})
	o.reached([]kgo.FetchTopicPartition{records("a", 0, 6), records("b", 0, 0)})
	type offsets = map[string]map[int32]kgo.EpochOffset
	at := func(n int64) kgo.EpochOffset { return kgo.EpochOffset{Offset: n} }
	for _, tt := range []struct {
		name string
		have offsets
		want bool
	}{
		{"all of them", offsets{"a": {0: at(7), 1: at(10)}, "b": {0: at(1)}}, true},
		{"more than these", offsets{"a": {0: at(8), 1: at(10), 2: at(3)}, "b": {0: at(1)}}, true},
		{"none, as after the loss of the group", nil, false},
		{"a partition is missing", offsets{"a": {0: at(7)}, "b": {0: at(1)}}, false},
		{"a partition has gone back", offsets{"a": {0: at(5), 1: at(10)}, "b": {0: at(1)}}, false},
	} {
		if got := o.covered(tt.have); got != tt.want {
			t.Errorf("%s: covered = %t, want %t", tt.name, got, tt.want)
		}
	}
	if !new(transaction).covered(nil) {
		t.Error("a transaction of no records is not covered by no offsets, want it to be")
	}
}
