// Package match finds patterns in texts at a cost that hardly grows with their number. It knows nothing of rules,
// payloads or Kafka.
package match
