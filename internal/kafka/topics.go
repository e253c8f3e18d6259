package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// The topic settings that checks look at.
const (
	cleanupPolicy   = "cleanup.policy"
	maxMessageBytes = "max.message.bytes"
	retentionMS     = "retention.ms"
	timestampType   = "message.timestamp.type"
)

// A TopicSpec says what a topic must look like.
type TopicSpec struct {
	Name          string
	Partitions    int32             // to create it with
	MinPartitions int32             // fewer are a fault; 0 = any
	MaxPartitions int32             // more are a fault; 0 = any
	Replication   int16             // to create it with; -1 = the broker's default
	Compacted     bool              // cleanup.policy compact, else delete
	MinMessage    int               // the least max.message.bytes; 0 = any
	MinRetention  time.Duration     // the least retention.ms that is not doubtful; 0 = any
	Settings      map[string]string // to create it with, beside cleanup.policy
}

func (s TopicSpec) policy() string {
	if s.Compacted {
		return "compact"
	}
	return "delete"
}

// A Topic is one that exists.
type Topic struct {
	Name       string
	Partitions int32
	MaxMessage int           // max.message.bytes; 0 = the broker does not say
	Retention  time.Duration // retention.ms; 0 = for ever, or the broker does not say
	policy     string
	timestamps string // message.timestamp.type; "" = the broker does not say
}

// Topics describes those of names that exist. What brokers do not agree on yet is asked again, for kafka.start_timeout.
func (c *Cluster) Topics(ctx context.Context, names ...string) (map[string]Topic, error) {
	cl, err := c.Client("ttp-topics")
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var found map[string]Topic
	err = c.insist(ctx, func(ctx context.Context) (err error) { // one broker may know a topic and the next not yet
		found, err = describe(ctx, kadm.NewClient(cl), names)
		return err
	})
	return found, c.Explain(err)
}

// Exists reports whether there is a topic of that name. It takes no other permission than to describe it.
func (c *Cluster) Exists(ctx context.Context, name string) (bool, error) {
	cl, err := c.Client("ttp-topics")
	if err != nil {
		return false, err
	}
	defer cl.Close()
	var found map[string]Topic
	err = c.insist(ctx, func(ctx context.Context) (err error) {
		found, err = list(ctx, kadm.NewClient(cl), []string{name})
		return err
	})
	return len(found) > 0, c.Explain(err)
}

func list(ctx context.Context, adm *kadm.Client, names []string) (map[string]Topic, error) {
	details, err := adm.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("listing topics %s: %w", strings.Join(names, ", "), err) // the client does not say which
	}
	found := map[string]Topic{}
	for name, d := range details {
		switch {
		case errors.Is(d.Err, kerr.UnknownTopicOrPartition):
			continue
		case d.Err != nil:
			return nil, fmt.Errorf("topic %s: %w", name, d.Err)
		}
		found[name] = Topic{Name: name, Partitions: int32(len(d.Partitions))} //nolint:gosec // a topic has far fewer
	}
	return found, nil
}

func describe(ctx context.Context, adm *kadm.Client, names []string) (map[string]Topic, error) {
	found, err := list(ctx, adm, names)
	if err != nil || len(found) == 0 {
		return found, err
	}
	present := make([]string, 0, len(found))
	for name := range found {
		present = append(present, name)
	}
	configs, err := adm.DescribeTopicConfigs(ctx, present...)
	if err != nil {
		slices.Sort(present)
		return nil, fmt.Errorf("reading the settings of %s: %w", strings.Join(present, ", "), err)
	}
	for _, rc := range configs {
		if rc.Err != nil {
			return nil, fmt.Errorf("settings of topic %s: %w", rc.Name, rc.Err)
		}
		t := found[rc.Name]
		for _, kv := range rc.Configs {
			switch kv.Key {
			case cleanupPolicy:
				t.policy = kv.MaybeValue()
			case timestampType:
				t.timestamps = kv.MaybeValue()
			case maxMessageBytes:
				t.MaxMessage, _ = strconv.Atoi(kv.MaybeValue())
			case retentionMS:
				ms, _ := strconv.ParseInt(kv.MaybeValue(), 10, 64)
				t.Retention = time.Duration(min(max(ms, 0), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
			}
		}
		found[rc.Name] = t
	}
	return found, nil
}

// EnsureTopics creates those of specs that are missing and returns their names, sorted. Those that exist are
// left as they are: CheckTopics tells what is wrong with them. When it returns without error, every broker knows all
// of them.
func (c *Cluster) EnsureTopics(ctx context.Context, specs []TopicSpec) (created []string, err error) {
	cl, err := c.Client("ttp-topics")
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	var errs []error
	for _, s := range specs {
		settings := map[string]*string{cleanupPolicy: new(s.policy())}
		for k, v := range s.Settings {
			settings[k] = new(v)
		}
		resp, err := adm.CreateTopic(ctx, s.Partitions, s.Replication, settings, s.Name)
		switch {
		case err == nil:
			created = append(created, s.Name)
		case errors.Is(err, kerr.TopicAlreadyExists):
		case resp.ErrMessage != "":
			errs = append(errs, fmt.Errorf("creating topic %s: %w", s.Name, c.Explain(fmt.Errorf("%w: %s", err, resp.ErrMessage))))
		default:
			errs = append(errs, fmt.Errorf("creating topic %s: %w", s.Name, c.Explain(err)))
		}
	}
	sort.Strings(created)
	if len(errs) > 0 {
		return created, errors.Join(errs...)
	}
	return created, c.awaitTopics(ctx, cl, specs)
}
