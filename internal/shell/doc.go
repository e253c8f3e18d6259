// Package shell says what a line that is typed into a shell (sh, bash, the ash of busybox) would run: its simple
// commands, without the quotes, wrappers and encodings that hide them. It reads as attackers write, not as POSIX has it:
// there is no text that it fails on, and where a shell would complain it takes what is there.
//
// Nothing is run, and nothing is known of the machine: a command's output is known only where it follows from the text
// (echo, printf, base64 -d and the like), a variable only if the same text sets it.
//
// The work is linear in the text, and what comes out is bounded: see limits.go. A Parser keeps its buffers, so that in
// steady state nothing is allocated.
package shell
