package kafka_test

import (
	"errors"
	"testing"

	"ttpworker/internal/kafka"
)

func TestATransactorIsTakenOverByTheNextOfItsName(t *testing.T) {
	t.Parallel()
	c, topic := onTopic(t, 1)
	open := func() *kafka.Transactor {
		w, err := c.NewTransactor(t.Context(), c.Name("w"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Close)
		return w
	}
	first := open()
	rec := []kafka.Record{{Topic: topic, Value: []byte("v")}}
	if err := first.Write(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	second := open()
	if err := first.Write(t.Context(), rec); !errors.Is(err, kafka.ErrTakenOver) {
		t.Errorf("Write of the first = %v, want ErrTakenOver", err)
	}
	if err := second.Write(t.Context(), rec); err != nil {
		t.Errorf("Write of the second = %v", err)
	}
	if got := c.ReadAll(t, topic); len(got) != 2 {
		t.Errorf("%d records, want 2", len(got))
	}
}
