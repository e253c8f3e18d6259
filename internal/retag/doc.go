// Package retag makes history exact: for a range of events, the tag topics hold afterwards what the plan gives, no more and no
// less. It reads the tags that are there into an index, replays the events under one plan, and writes what differs: tags
// that are missing, tags that are different, and tombstones for tags that do not hold any more.
//
// # What belongs to a job
//
// The range of a partition is [from, min(to, cut)); the cut is what the live group had committed when the job began. Live
// workers own everything behind it. A tag belongs to the range if its header ttp-source lies in it; any other, and every
// key that live workers have written since, is left alone.
//
// # Where a tag comes from
//
// Several events may yield one tag id, where a sensor sends an event twice. The last one in the range decides, as it does
// when events come for the first time. So at each event its tags are held against the index, and a tag that is there from a
// later event is left for that event to decide (unit.go).
//
// # Progress
//
// Tags and progress are committed in one transaction, in a consumer group that is named for the job: a job that was killed goes
// on where it was, and processes that take part share the partitions (run.go). The group's committed metadata say what the
// job is, so that it can only be gone on with under the same plan.
//
// # After the last event
//
// While a job ran, live workers may have tagged an event that was sent again, and the job may have put the tag of the first one
// over that. So at the end the events behind the cut are looked at for the keys that the job has written, and what they
// yield is written again (guard.go).
package retag
