package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// askAgain is the pause before brokers are asked once more.
	askAgain = 100 * time.Millisecond
	// brokerPatience bounds a question to one broker.
	brokerPatience = 2 * time.Second
)

// Await is Ping for a replica that is started beside its brokers, perhaps a moment before them: while nobody listens it
// tries again until ctx ends.
func (c *Cluster) Await(ctx context.Context) error {
	var last error
	for {
		err := c.Ping(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return cmp.Or(last, err) // the last says more than that the time is over
		case err == nil || !unreachable(err):
			return err
		case last == nil:
			c.log.Warn("no Kafka broker answers yet, trying again", "err", err)
		}
		last = err
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return err
		}
	}
}

// insist calls ask until it returns nil, an error that time does not mend, or kafka.start_timeout is over. Brokers hear of a
// new topic, and of who leads its partitions, one after the other: whoever asks just then is told that there is none.
func (c *Cluster) insist(outer context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(outer, c.patience)
	defer cancel()
	var last error
	for {
		err := ask(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil && outer.Err() == nil && last == nil:
			return fmt.Errorf("no broker has answered for %s (kafka.start_timeout): %w", c.patience, err)
		case err == nil || ctx.Err() != nil && last == nil:
			return err
		case ctx.Err() != nil:
			return last // says more than that the time is over
		case !passes(err):
			return err
		}
		last = err
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return last
		}
	}
}

// passes reports whether time may mend err: nobody has answered, or said that it is too early.
func passes(err error) bool {
	said, answered := errors.AsType[*kerr.Error](err)
	return !answered || said.Retriable
}

// awaitTopics returns when every broker knows all topics, with a leader for every partition: the next question may go to
// any of them.
func (c *Cluster) awaitTopics(ctx context.Context, cl *kgo.Client, specs []TopicSpec) error {
	req := kmsg.NewPtrMetadataRequest()
	for _, s := range specs {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = &s.Name
		req.Topics = append(req.Topics, topic)
	}
	err := c.insist(ctx, func(ctx context.Context) error {
		brokers, err := kadm.NewClient(cl).ListBrokers(ctx)
		if err != nil {
			return err
		}
		for _, b := range brokers {
			if err := knows(ctx, cl.Broker(int(b.NodeID)), req); err != nil {
				return fmt.Errorf("broker %d: %w", b.NodeID, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the brokers to know the topics: %w", c.Explain(err))
	}
	return nil
}

// knows returns nil if a broker knows the topics that req asks for.
func knows(ctx context.Context, broker *kgo.Broker, req *kmsg.MetadataRequest) error {
	ctx, cancel := context.WithTimeout(ctx, brokerPatience)
	defer cancel()
	resp, err := req.RequestWith(ctx, broker)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		for _, p := range t.Partitions {
			if err == nil && p.Leader < 0 {
				err = kerr.LeaderNotAvailable
			}
		}
		if err != nil {
			return fmt.Errorf("topic %s: %w", *t.Topic, err)
		}
	}
	return nil
}
