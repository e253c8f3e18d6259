package kafka

import (
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Embedded is a Kafka broker inside this process, on a loopback port: for trying out and for fast tests. It is
// no replacement for Kafka: it does not replicate, and a crash (not a clean stop) forgets open transactions.
type Embedded struct{ cluster *kfake.Cluster }

// StartEmbedded starts one. Any client on this machine can talk to it until Close.
func StartEmbedded(cfg EmbeddedConfig, log *slog.Logger) (*Embedded, error) {
	opts := []kfake.Opt{kfake.Ports(cfg.Port), kfake.ClusterID("ttp-embedded")}
	if cfg.DataDir != "" {
		opts = append(opts, kfake.DataDir(cfg.DataDir))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("starting the embedded broker (kafka.embedded): %w", err)
	}
	e := &Embedded{cluster: cluster}
	log.Info("embedded broker started", "brokers", e.Addrs(), "data_dir", cfg.DataDir)
	return e, nil
}

// Addrs lists the broker's addresses, host:port each.
func (e *Embedded) Addrs() []string { return e.cluster.ListenAddrs() }

// Close stops the broker; with a data directory its data stays.
func (e *Embedded) Close() { e.cluster.Close() }
