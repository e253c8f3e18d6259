// Package filesystem is the rule store over directories of rule files and of shared lists, watched by inotify.
//
// A watcher cannot say when a file is finished: fsnotify has no event for a file that was closed after writing. So
// an event only puts a path into the inbox; when the directory has been quiet for a while the paths are looked at
// in one round, and what is found is compared by content with what the book has in force. A save style is then
// nothing to know about: whatever the editor did, the round sees the files as they are in the end.
//
//	fsnotify -> layout (by name alone) -> inbox (quiet) -> round: files (stable read) -> holds -> book -> changes
//
// Invariants. Events are sorted out by name before any file operation, and what is no rule file costs none. Rules
// are parsed in one goroutine at a time. A fault of a file, or of the whole directory, never takes a rule down;
// only a file that is really gone does. Everything that an event can tell is also found by a rescan, so a lost
// event costs time and nothing else.
package filesystem
