package app_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/kafkatest"
	"ttpworker/internal/kafkatest/apache"
	"ttpworker/internal/store"
	"ttpworker/internal/yamlx"
)

func TestStartErrorsSayWhatToMend(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	wrong := c.Name("wrong")
	c.CreateTopic(t, wrong, 1, "cleanup.policy=delete")
	inUse, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inUse.Close() })
	for _, tt := range []struct {
		name string
		edit func(*app.Config)
		want []string
	}{
		{
			"nobody listens", func(cfg *app.Config) {
				cfg.Kafka.Brokers, cfg.Kafka.StartTimeout = yamlx.Strings{"127.0.0.1:1"}, 500*time.Millisecond
			},
			[]string{"no Kafka broker answers at 127.0.0.1:1 (kafka.brokers)"},
		},
		{
			"topics are missing", func(cfg *app.Config) {
				cfg.Topics.Create = false
				cfg.Input.Topics = yamlx.Strings{c.Name("nope")}
			},
			[]string{"topic " + c.Name("nope") + " does not exist: run `worker topics ensure`"},
		},
		{
			"a topic is set up wrongly", func(cfg *app.Config) { cfg.Topics.State.Name = wrong },
			[]string{"topic " + wrong + " has cleanup.policy=delete, want compact: run `kafka-configs.sh "},
		},
		{
			"the rule directory is missing", func(cfg *app.Config) { cfg.RuleStore.Dir = "/nonexistent/rules" },
			[]string{"starting the worker: ", "/nonexistent/rules", "rule_store.dir"},
		},
		{
			"the admin port is in use", func(cfg *app.Config) { cfg.Admin.Listen = inUse.Addr().String() },
			[]string{"starting the worker: opening the admin server (admin.listen): ", "address already in use"},
		},
		{
			"the embedded broker's port is in use", func(cfg *app.Config) {
				cfg.Kafka.Brokers = yamlx.Strings{kafka.EmbeddedBroker}
				cfg.Kafka.Embedded.Port = inUse.Addr().(*net.TCPAddr).Port
			},
			[]string{"starting the embedded broker (kafka.embedded): ", "address already in use"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := quickConfig(t, c)
			tt.edit(&cfg)
			err := app.Run(t.Context(), cfg, slog.New(slog.DiscardHandler))
			for _, part := range tt.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("Run = %v, want %q in it", err, part)
				}
			}
		})
	}
}

// Seen: a broker that takes large records by default gives the input topic more room than the dead letter topic got,
// and the worker refused what it had just created. The embedded broker does not tell of its defaults.
func TestTopicsAsCreatedPassTheCheckWhateverTheBrokersDefaults(t *testing.T) {
	kafkatest.NeedsApache(t)
	t.Parallel()
	broker, err := apache.Start(t.Context(), apache.Config{Fast: true, Properties: map[string]string{"message.max.bytes": "5000000"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	cfg := app.DefaultConfig()
	cfg.Kafka.Brokers = broker.Brokers()
	cfg.Topics.Create = true
	conn, err := app.Connect(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("Connect = %v, want the topics created and well", err)
	}
	conn.Close()
}

func TestRunBringsItsOwnBrokerWithTopicsAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	cfg := quickConfig(t, kafkatest.Embedded(t))
	cfg.Kafka.Brokers = yamlx.Strings{kafka.EmbeddedBroker}
	cfg.Kafka.SessionTimeout, cfg.Kafka.EndTimeout = 15*time.Second, 80*time.Second // the broker's minimum is 6 s
	cfg.Topics.Create = false
	cfg.Admin.Listen = ""
	ctx, cancel := context.WithCancel(t.Context())
	lines := &journal{Handler: slog.DiscardHandler}
	log := slog.New(onMessage{lines, "partitions assigned", cancel})
	if err := app.Run(ctx, cfg, log); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if !slices.Contains(lines.lines, "consumer") {
		t.Errorf("stopped components = %q, want the consumer among them", lines.lines)
	}
}

// onMessage calls do when a line of this text is logged.
type onMessage struct {
	*journal
	text string
	do   func()
}

func (o onMessage) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == o.text {
		o.do()
	}
	return o.journal.Handle(ctx, r)
}

func (o onMessage) WithAttrs([]slog.Attr) slog.Handler { return o }

func TestWithStatesSaysWhatKeptItFromTheStates(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	cfg := quickConfig(t, c)
	log := slog.New(slog.DiscardHandler)
	called := func(*store.States) error {
		t.Error("the job ran without states")
		return nil
	}
	err := app.WithStates(t.Context(), cfg, log, called)
	if want := "topic " + cfg.Topics.State.Name + " does not exist (topics.state.name): run `worker topics ensure`"; err == nil || err.Error() != want {
		t.Errorf("WithStates without the topic = %v, want %s", err, want)
	}
	c.CreateTopic(t, cfg.Topics.State.Name, 1)
	own := errors.New("the job's own")
	if err := app.WithStates(t.Context(), cfg, log, func(*store.States) error { return own }); !errors.Is(err, own) {
		t.Errorf("WithStates = %v, want what the job returned", err)
	}
	cfg.Kafka.Brokers = yamlx.Strings{"127.0.0.1:1"}
	if err := app.WithStates(t.Context(), cfg, log, called); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("WithStates without a broker = %v, want its address", err)
	}
}
