// Package verify holds a stretch of history against a plan, for the operators' command: it reads the events and says
// where the tag topics do not have what the plan gives for them. It writes nothing, and shares no code with whatever
// makes history so.
//
// The tags that belong to a range are those whose header ttp-source names an event in it. Events of a partition are
// evaluated in order; the last one that yields a tag id decides the tag's value, its topic and its source. A key whose
// latest record has a source outside the range, or none, is somebody else's: of the live worker's, who goes on behind
// the group's committed offset, or of a range beside this one.
//
// What is held against what comes in this order: first the group's offsets, where a range ends at the latest, then the
// ends of the tag topics. So the tags of all events in the range are below these ends, as tags are committed with the
// offsets of their events, and a scan waits for transactions that are open.
package verify
