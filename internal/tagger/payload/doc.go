// Package payload reads the payloads of events for taggers: single values by name and type, and the evidence that tags
// show.
package payload
