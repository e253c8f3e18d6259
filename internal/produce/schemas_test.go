package produce_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"ttpworker/internal/kafkatest"
	"ttpworker/internal/produce"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// A teacher has a decoder learn the schema of orders when it is let, and gives every id above 100 up.
type teacher struct {
	decoder *wire.Decoder
	let     chan struct{}
	asked   chan wire.SchemaRef
}

var _ produce.Schemas = (*teacher)(nil)

func (s *teacher) Await(ctx context.Context, ref wire.SchemaRef) error {
	if id, _ := ref.ID(); id > 100 {
		return errors.New("nobody has it")
	}
	s.asked <- ref
	select {
	case <-s.let:
		return s.decoder.Learn(ref, "s", wire.SchemaText(wire.RuleStateRecord))
	case <-ctx.Done():
		return ctx.Err()
	}
}

func waitingStateLog(t *testing.T, c *kafkatest.Cluster) (*produce.StateLog, *teacher) {
	t.Helper()
	appender, err := c.NewAppender("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(appender.Close)
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	s := &teacher{decoder: dec, let: make(chan struct{}), asked: make(chan wire.SchemaRef, 1)}
	return produce.NewStateLog(c.Cluster, appender, encoder(t, wire.SingleObject), dec, s, c.Name(stateTopic), slog.New(slog.DiscardHandler)), s
}

// orderByID is an order in the framing of a registry.
func orderByID(t *testing.T, c *kafkatest.Cluster, id uint32, rule string) *kgo.Record {
	t.Helper()
	rec, err := produce.RuleStateRecord(wire.NewConfluentEncoder(map[wire.Record]uint32{wire.RuleStateRecord: id}), c.Name(stateTopic), order(rule, "a", tagger.Disabled))
	if err != nil {
		t.Fatal(err)
	}
	if got := binary.BigEndian.Uint32(rec.Value[1:]); got != id {
		t.Fatalf("id in the record = %d, want %d", got, id)
	}
	return rec.ToClient()
}

// An order that was written by an id which the registry cannot be asked about yet must not be passed over: a rule that is
// switched off would tag.
func TestAnOrderOfAnUnknownSchemaIsWaitedFor(t *testing.T) {
	t.Parallel()
	c := withStates(t, kafkatest.Start(t))
	l, s := waitingStateLog(t, c)
	c.Write(t, orderByID(t, c, 7, "R1"), orderByID(t, c, 500, "R2"), orderByID(t, c, 7, "R3"))
	caughtUp := make(chan struct{})
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var got []applied
	go func() {
		ended <- l.Follow(ctx, func(id string, s *store.State) { got = append(got, applied{id, s}) }, func() { close(caughtUp) })
	}()
	<-s.asked
	select {
	case <-caughtUp:
		t.Error("the log is read to its end without the order")
	default:
	}
	close(s.let)
	<-caughtUp
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Follow = %v, want nil", err)
	}
	first, third := order("R1", "a", tagger.Disabled), order("R3", "a", tagger.Disabled)
	if diff := cmp.Diff([]applied{{"R1", &first}, {"R3", &third}}, got); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
}

func TestAFollowerThatWaitsForASchemaEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := withStates(t, kafkatest.Start(t))
	l, s := waitingStateLog(t, c)
	c.Write(t, orderByID(t, c, 7, "R1"))
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		apply := func(id string, _ *store.State) { t.Errorf("an order about %s was applied", id) }
		ended <- l.Follow(ctx, apply, func() { t.Error("the log is read to its end") })
	}()
	<-s.asked
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Follow = %v, want nil", err)
	}
}
