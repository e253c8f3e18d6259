// Package quality says how good rules are before they are in force: which parts of them their tests have tried, what is
// doubtful about them, and what they cost. It is for commands: it takes its time, and the flow knows nothing of it.
package quality
