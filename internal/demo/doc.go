// Package demo shows the worker at work with nothing but itself: the embedded broker, a replica, simulated sensors
// that play attack sessions from a script, and a reader that prints the tags as they come out of Kafka. Sensors and
// reader are ordinary Kafka clients; they know the replica by its topics only, so what they show is what anybody
// outside would see.
//
// With Once it plays the script once and compares what came out with what a plain evaluation of the rules gives and
// with what the script says.
package demo
