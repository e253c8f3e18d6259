package oracle

import (
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// A Position is where a record of the input is.
type Position struct {
	Partition int32
	Offset    int64
}

func (p Position) String() string { return fmt.Sprintf("%d/%d", p.Partition, p.Offset) }

// ParseSource reads what the header ttp-source says, topic/partition/offset.
func ParseSource(text string) (topic string, at Position, err error) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return "", Position{}, fmt.Errorf("source %q is not topic/partition/offset", text)
	}
	partition, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil {
		return "", Position{}, fmt.Errorf("source %q: %w", text, err)
	}
	offset, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return "", Position{}, fmt.Errorf("source %q: %w", text, err)
	}
	return parts[0], Position{int32(partition), offset}, nil
}

// An Input is one record of the input topic.
type Input struct {
	Position
	Bytes  uint64             // fingerprint of its value
	Poison bool               // it is no event
	Event  tagger.TaggerEvent // of one that is
}

// An Output is one committed record of a tag topic.
type Output struct {
	Source  Position
	ID      uuid.UUID // of the tag
	Content uint64    // fingerprint of the tag, but for the time of tagging
	Plan    string    // digest
	// The transaction that wrote it: the producer, its epoch, and how many ends of transactions of that producer
	// are in the partition before it.
	Producer int64
	Epoch    int16
	Ends     int32
}

// A Stream is the committed records of one partition of a tag topic, in their order.
type Stream struct {
	Shadow    bool
	Partition int32
	Outputs   []Output
}

// A Letter is one committed record of the dead letter topic.
type Letter struct {
	Source Position
	Bytes  uint64 // fingerprint of its value
}

var seed = maphash.MakeSeed()

// Fingerprint of bytes, the same within this process.
func Fingerprint(b ...[]byte) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, part := range b {
		maphash.WriteComparable(&h, len(part))
		_, _ = h.Write(part) // never fails
	}
	return h.Sum64()
}

// A Codec reads tags. It is safe for concurrent use.
type Codec struct {
	decoder *wire.Decoder
	encoder *wire.Encoder
}

// NewCodec makes a codec for records of any framing.
func NewCodec() (*Codec, error) {
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		return nil, err
	}
	enc, err := wire.NewEncoder(wire.SingleObject)
	if err != nil {
		return nil, err
	}
	return &Codec{dec, enc}, nil
}

// Event reads an event whose record has no time.
func (c *Codec) Event(value []byte) (tagger.TaggerEvent, error) {
	ev, _, err := c.decoder.Event(value, time.Time{})
	return ev, err
}

// Tag reads a tag.
func (c *Codec) Tag(value []byte) (tagger.Tag, error) {
	t, _, err := c.decoder.Tag(value)
	return t, err
}

// Content is the fingerprint of a tag, but for the time of tagging.
func (c *Codec) Content(t *tagger.Tag) (uint64, error) {
	b, err := c.encoder.Tag(nil, t, time.Unix(0, 0))
	return Fingerprint(b), err
}
