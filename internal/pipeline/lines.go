package pipeline

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// maxLine bounds a line of the command line's input, in bytes.
const maxLine = 64 << 20

// errLongLine is the fault of a line over maxLine.
var errLongLine = &wire.Error{Class: wire.TooLarge, Err: fmt.Errorf("the line is longer than %d bytes", maxLine)}

// Lines is what tagging lines came to.
type Lines struct {
	Events, Tags, Skipped, Bad int
}

// TagLines reads events as lines of JSON and writes their tags as lines of JSON, in input order. A bad line is
// handed to bad with its number and skipped; so is an empty one, silently, and what the format says is no event. A
// missing source_id is "line:<n>". Tags are written at the latest before it waits for more input. The error is about
// reading or writing.
func TagLines(ctx context.Context, plan *Plan, dec *wire.Decoder, in io.Reader, out io.Writer, bad func(line int, err error)) (Lines, error) {
	var sum Lines
	w := bufio.NewWriter(out)
	lines := newLineReader(flushing{in, w})
	var tags []tagger.Tag
	var text []byte
	n := 0
	for lines.Scan() {
		n++
		if err := ctx.Err(); err != nil {
			return sum, errors.Join(err, w.Flush())
		}
		line := lines.text(n)
		if len(line) == 0 && !lines.long {
			continue
		}
		var err error
		tags, err = tagLine(tags[:0], plan, dec, line, n, lines.long)
		if _, skip := errors.AsType[wire.SkipError](err); skip {
			sum.Skipped++
			continue
		}
		if err != nil {
			sum.Bad++
			bad(n, err)
			continue
		}
		sum.Events++
		for i := range tags {
			if text, err = wire.AppendTagJSON(text[:0], &tags[i]); err != nil {
				return sum, errors.Join(fmt.Errorf("line %d: %w", n, err), w.Flush())
			}
			sum.Tags++
			if _, err := w.Write(append(text, '\n')); err != nil {
				return sum, fmt.Errorf("writing tags: %w", err)
			}
		}
	}
	if err := w.Flush(); err != nil {
		return sum, fmt.Errorf("writing tags: %w", err)
	}
	if err := lines.Err(); err != nil {
		return sum, fmt.Errorf("reading line %d: %w", n+1, err)
	}
	return sum, nil
}

// ReadLines reads events as TagLines does, and keeps them. bad is how many lines were none.
func ReadLines(ctx context.Context, dec *wire.Decoder, in io.Reader, report func(line int, err error)) (events []tagger.TaggerEvent, bad int, err error) {
	lines := newLineReader(in)
	for n := 1; lines.Scan(); n++ {
		if err := ctx.Err(); err != nil {
			return nil, bad, err
		}
		line := lines.text(n)
		if len(line) == 0 && !lines.long {
			continue
		}
		ev, err := eventOf(dec, bytes.Clone(line), n, lines.long)
		if err != nil {
			bad++
			report(n, err)
			continue
		}
		events = append(events, ev)
	}
	if err := lines.Err(); err != nil {
		return nil, bad, fmt.Errorf("reading events: %w", err)
	}
	return events, bad, nil
}

// tagLine appends the tags of line n.
func tagLine(dst []tagger.Tag, plan *Plan, dec *wire.Decoder, line []byte, n int, long bool) ([]tagger.Tag, error) {
	ev, err := eventOf(dec, line, n, long)
	if err != nil {
		return dst, err
	}
	return plan.AppendTags(dst, &ev)
}

// eventOf is the event of line n. It may alias the line.
func eventOf(dec *wire.Decoder, line []byte, n int, long bool) (tagger.TaggerEvent, error) {
	if long {
		return tagger.TaggerEvent{}, errLongLine
	}
	ev, _, err := dec.EventOr(line, time.Time{}, fmt.Sprintf("line:%d", n))
	return ev, err
}

// A lineReader reads lines of any length, but keeps no more than maxLine bytes of one.
type lineReader struct {
	*bufio.Scanner
	long   bool // the line last read is over maxLine; its text is lost
	inside bool // within such a line
	seen   int  // bytes of the next line that hold no line end: they are not searched again
}

func newLineReader(in io.Reader) *lineReader {
	l := &lineReader{Scanner: bufio.NewScanner(in)}
	l.Buffer(make([]byte, 0, 1<<16), maxLine+1)
	l.Split(l.split)
	return l
}

// text is the line last read, the nth, without white space around it. A byte order mark in front of the first is left out: it is
// none of JSON's, but some programs write one, such as editors and shells of Windows.
func (l *lineReader) text(n int) []byte {
	line := l.Bytes()
	if n == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	return bytes.TrimSpace(line)
}

// split is a bufio.SplitFunc.
func (l *lineReader) split(data []byte, atEOF bool) (advance int, line []byte, err error) {
	end := bytes.IndexByte(data[l.seen:], '\n')
	if end >= 0 {
		end += l.seen
	}
	advance = end + 1
	l.seen = 0
	switch {
	case end >= 0:
	case !atEOF && len(data) <= maxLine:
		l.seen = len(data)
		return 0, nil, nil // more is to come
	case !atEOF:
		l.inside = true
		return len(data), nil, nil
	case len(data) == 0 && !l.inside:
		return 0, nil, nil
	default: // the last line has no end
		end, advance = len(data), len(data)
	}
	l.long, l.inside = l.inside, false
	if l.long {
		return advance, []byte{}, nil
	}
	return advance, data[:end], nil
}

// flushing writes what is buffered before it reads, so that who pipes events in one by one sees their tags.
type flushing struct {
	io.Reader
	w *bufio.Writer
}

func (f flushing) Read(p []byte) (int, error) {
	if err := f.w.Flush(); err != nil {
		return 0, err
	}
	return f.Reader.Read(p)
}
