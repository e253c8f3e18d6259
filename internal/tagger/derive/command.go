package derive

import (
	"sync"

	"ttpworker/internal/match"
	"ttpworker/internal/shell"
)

// A commandReader is what deriving the fields of one command needs.
type commandReader struct {
	parser shell.Parser
	text   []byte
}

// maxKept bounds the text of a command whose reader is used again, in bytes: one long text must not hold its memory for
// ever. Nearly all are shorter.
const maxKept = 64 << 10

var commandReaders = sync.Pool{New: func() any { return new(commandReader) }}

// command derives segments, pipelines, argv0 and decoded from command_text.
func command(dst []byte, members []match.Member) []byte {
	r := commandReaders.Get().(*commandReader) //nolint:forcetypeassert // New makes nothing else
	var is bool
	if r.text, is = text(r.text[:0], members, "command_text"); is {
		c := r.parser.Parse(r.text)
		dst = appendTexts(dst, members, "segments", c.Segments)
		dst = appendTexts(dst, members, "pipelines", c.Pipelines)
		dst = appendTexts(dst, members, "argv0", c.Programs)
		dst = appendTexts(dst, members, "decoded", c.Decoded)
	}
	if len(r.text) <= maxKept {
		commandReaders.Put(r)
	}
	return dst
}
