package kafka_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"

	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/yamlx"
)

func TestTheLastAnswerIsThatOfAnyClient(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	if last := c.LastAnswer(); !last.IsZero() {
		t.Errorf("LastAnswer = %s before anything was asked, want none", last)
	}
	var last time.Time
	for range 2 {
		before := time.Now()
		if err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if last = c.LastAnswer(); last.Before(before) || last.After(time.Now()) {
			t.Errorf("LastAnswer = %s after an answer at %s", last, before)
		}
	}
	const name = "ttp_kafka_last_answer_timestamp_seconds"
	want := fmt.Sprintf("# HELP %s When a broker last answered this process, whatever it was asked; 0 = never.\n# TYPE %s gauge\n%s %v\n",
		name, name, name, float64(last.UnixMilli())/1000)
	if err := testutil.CollectAndCompare(c.Metrics(), strings.NewReader(want), name); err != nil {
		t.Error(err)
	}
}

// A broker that greets and then refuses the password is of no use.
func TestARefusedPasswordIsNoAnswer(t *testing.T) {
	t.Parallel()
	c := kafkatest.Embedded(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "worker", "right"))
	refused := cluster(t, kafka.Config{
		Brokers: c.Brokers(), SASL: kafka.SASLConfig{Mechanism: "plain", Username: "worker", Password: yamlx.NewSecret("wrong")},
	})
	if err := refused.Ping(t.Context()); err == nil {
		t.Error("Ping with a wrong password = nil")
	}
	if last := refused.LastAnswer(); !last.IsZero() {
		t.Errorf("LastAnswer = %s, want none", last)
	}
}
