// Package apache runs Apache Kafka for tests and measurements: one broker or several, each a Java process on loopback
// ports, in KRaft mode, from the artifacts that the project publishes. It needs a JDK (17 or newer) and Maven and says
// so where they are missing. Brokers can be stopped in good order, killed, paused and started again.
package apache
