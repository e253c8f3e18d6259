// Package store says what a rule store is: the rules in force, the operators' states, and a stream of changes.
// It holds what every implementation shares (the table of states with its expiry, the fan-out to subscribers)
// and leaves where the files live to its sub-packages: filesystem reads a directory by inotify. storetest is
// the contract in executable form; every implementation runs it.
//
// Rules flow beside the events: file -> store -> rule -> plan -> pipeline. A store never sees an event, a plan
// or Kafka: operator states reach it through a StateLog, which package produce implements over a topic.
package store
