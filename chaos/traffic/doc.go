// Package traffic writes events to the input topic at a steady rate, and looks on from outside: what is committed, when
// it can be read, and how long there was nothing. Its clients go past the proxy: what is cut and stalled is the workers.
package traffic
