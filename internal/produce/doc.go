// Package produce is what the worker writes, beside dead letters: the only constructors of its records, the
// settings of its topics, the state log over the state topic, and the keeper of the two control topics.
//
// Outputs are whole states under deterministic keys (I2), so writing one twice is harmless. Control records are
// appended by an idempotent client outside any transaction: they hold on their own.
package produce
