package apache

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Config says what to run. The zero value is one broker on free ports.
type Config struct {
	Nodes int // brokers, each a controller too; 0 = 1
	// Port is the first broker's port, the next ones' are behind it; 0 = free ones.
	Port int
	// Dir is where the brokers keep their data; "" = a temporary directory that Close removes.
	Dir string
	// Advertised is the address that a broker tells clients instead of its own, host:port, such as that of a proxy;
	// nil = its own.
	Advertised func(node int, addr string) string
	// Properties are laid over those of every broker (server.properties).
	Properties map[string]string
	// Fast trades throughput for a quick start: the JVM compiles without its optimising compiler.
	Fast bool
	// Detached brokers outlive the process that started them: StopDetached ends them. Dir must be given.
	Detached bool
	// Heap is the most memory of one broker's heap, in MiB; 0 = 512.
	Heap int
	// Log gets what the brokers log; nil = a file in each broker's directory, which errors quote.
	Log io.Writer
}

// The listeners of a broker. Clients have one of their own, so that its address and its security can differ.
const (
	clientListener     = "CLIENT"
	brokerListener     = "BROKER"
	controllerListener = "CONTROLLER"
)

// ports are those of one node.
type ports struct{ client, broker, controller int }

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// properties are those of a node; id begins with 1. They make a small cluster quick to start and to notice faults,
// and keep what production has: replication over all nodes, acknowledged by a majority.
func (c Config) properties(id int, all []ports, advertised, data string) map[string]string {
	own := all[id-1]
	voters := make([]string, len(all))
	for i, p := range all {
		voters[i] = fmt.Sprintf("%d@%s", i+1, loopback(p.controller))
	}
	replicas := min(len(all), 3)
	majority := replicas/2 + 1
	props := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        strconv.Itoa(id),
		"controller.quorum.voters":       strings.Join(voters, ","),
		"listeners":                      fmt.Sprintf("%s://%s,%s://%s,%s://%s", clientListener, loopback(own.client), brokerListener, loopback(own.broker), controllerListener, loopback(own.controller)),
		"advertised.listeners":           fmt.Sprintf("%s://%s,%s://%s", clientListener, advertised, brokerListener, loopback(own.broker)),
		"listener.security.protocol.map": clientListener + ":PLAINTEXT," + brokerListener + ":PLAINTEXT," + controllerListener + ":PLAINTEXT",
		"controller.listener.names":      controllerListener,
		"inter.broker.listener.name":     brokerListener,
		"log.dirs":                       data,
		"auto.create.topics.enable":      "false",
		"default.replication.factor":     strconv.Itoa(replicas),
		"min.insync.replicas":            strconv.Itoa(majority),

		"offsets.topic.replication.factor":                 strconv.Itoa(replicas),
		"offsets.topic.num.partitions":                     "4",
		"transaction.state.log.replication.factor":         strconv.Itoa(replicas),
		"transaction.state.log.min.isr":                    strconv.Itoa(majority),
		"transaction.state.log.num.partitions":             "4",
		"share.coordinator.state.topic.replication.factor": strconv.Itoa(replicas),
		"share.coordinator.state.topic.min.isr":            strconv.Itoa(majority),

		"group.initial.rebalance.delay.ms":                            "0",
		"group.min.session.timeout.ms":                                "1000",
		"group.consumer.min.session.timeout.ms":                       "1000",
		"group.consumer.session.timeout.ms":                           "6000",
		"group.consumer.min.heartbeat.interval.ms":                    "500",
		"group.consumer.heartbeat.interval.ms":                        "1000",
		"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
		"broker.session.timeout.ms":                                   "3000",
		"broker.heartbeat.interval.ms":                                "500",
		"log.cleaner.backoff.ms":                                      "500",
		"log.cleaner.dedupe.buffer.size":                              "16777216",
		"num.network.threads":                                         "2",
		"num.io.threads":                                              "2",
	}
	maps.Copy(props, c.Properties)
	return props
}

// format writes properties as a file has them, sorted.
func format(props map[string]string) []byte {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(props)) {
		fmt.Fprintf(&b, "%s=%s\n", k, strings.ReplaceAll(props[k], "\n", "\\n\\\n"))
	}
	return []byte(b.String())
}
