package consume

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ttpworker/internal/kafka"
)

// Headers of a dead letter, behind those of the record itself.
const (
	HeaderErrorClass = "ttp-error-class" // a class of wire
	HeaderError      = "ttp-error"       // what was wrong, for people
	HeaderSource     = "ttp-source"      // topic/partition/offset
	HeaderSourceTime = "ttp-source-time" // the record's timestamp, RFC 3339 with milliseconds, UTC
	HeaderCutFrom    = "ttp-cut-from"    // bytes of value, headers and key as received; only where they were cut to fit
)

// maxErrorText bounds the error text of a dead letter, in bytes.
const maxErrorText = 1024

// DeadLetters makes dead letters for one topic.
type DeadLetters struct {
	Topic      string
	Partitions int32 // of Topic, at least 1
	MaxBytes   int   // of a record in Topic; 0 = no bound
}

// Record is the dead letter of rec: key, value and headers as received, bytes shared and untouched, then headers
// that say what was wrong, where it came from and when: the letter's own time is when it is written, or the
// topic's retention would take old records away at once, and brokers refuse those of the future. It goes to the partition of the same number, modulo
// the number there is.
//
// A record that came compressed can be larger than the topic takes. Its value is then cut to what fits, and a header
// says how long it was: it must neither be lost nor stop the partition for ever.
func (d DeadLetters) Record(rec *kafka.Record, class string, cause error) kafka.Record {
	text := strings.ToValidUTF8(cause.Error(), "\ufffd")
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "")
	}
	letter := kafka.Record{
		Topic: d.Topic, Partition: rec.Partition % d.Partitions, Key: rec.Key, Value: rec.Value,
		Headers: []kafka.Header{
			{Key: HeaderErrorClass, Value: []byte(class)},
			{Key: HeaderError, Value: []byte(text)},
			{Key: HeaderSource, Value: []byte(Source(rec))},
			{Key: HeaderSourceTime, Value: []byte(rec.Time.UTC().Format(sourceTime))},
		},
	}
	own := rec.Headers
	if d.MaxBytes > 0 && d.over(&letter, sizeOf(own)) > 0 {
		own = d.cut(&letter, rec)
	}
	letter.Headers = slices.Concat(own, letter.Headers)
	return letter
}

// cut makes a letter fit, which has no headers of the record's own yet: it cuts the value, and if that is not enough
// leaves out the record's own headers, and at last cuts the key. It returns the own headers that stay. The header says how
// many bytes value, headers and key had.
func (d DeadLetters) cut(letter, rec *kafka.Record) (own []kafka.Header) {
	own, size := rec.Headers, sizeOf(rec.Headers)
	sizes := fmt.Sprintf("value %d, headers %d, key %d", len(rec.Value), size, len(rec.Key))
	letter.Headers = append(letter.Headers, kafka.Header{Key: HeaderCutFrom, Value: []byte(sizes)})
	letter.Value = letter.Value[:max(len(letter.Value)-d.over(letter, size), 0)]
	if d.over(letter, size) > 0 {
		own, size = nil, 0
	}
	letter.Key = letter.Key[:max(len(letter.Key)-d.over(letter, size), 0)]
	return own
}

// over is by how many bytes a letter is too large, with headers of own bytes that it does not have yet.
func (d DeadLetters) over(letter *kafka.Record, own int) int {
	return max(letter.Size()+own+letterOverhead-d.MaxBytes, 0)
}

func sizeOf(headers []kafka.Header) int { return (&kafka.Record{Headers: headers}).Size() }

// letterOverhead is what a batch of one dead letter takes beside key, value and the headers so far, generously, in
// bytes.
const letterOverhead = 512

const sourceTime = "2006-01-02T15:04:05.000Z07:00"

// Source names where a record was read: topic/partition/offset.
func Source(rec *kafka.Record) string {
	return rec.Topic + "/" + strconv.Itoa(int(rec.Partition)) + "/" + strconv.FormatInt(rec.Offset, 10)
}
