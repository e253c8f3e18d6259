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

// Lines is what tagging lines came to.
type Lines struct {
	Events, Tags, Bad int
}

// TagLines reads events as lines of JSON and writes their tags as lines of JSON, in input order. A bad line is
// handed to bad with its number and skipped; so is an empty one, silently. A missing source_id is "line:<n>". The
// error is about reading or writing.
func TagLines(ctx context.Context, plan *Plan, dec *wire.Decoder, in io.Reader, out io.Writer, bad func(line int, err error)) (Lines, error) {
	var sum Lines
	w := bufio.NewWriter(out)
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	var tags []tagger.Tag
	var text []byte
	n := 0
	for lines.Scan() {
		n++
		if err := ctx.Err(); err != nil {
			return sum, errors.Join(err, w.Flush())
		}
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		ev, _, err := dec.EventOr(line, time.Time{}, fmt.Sprintf("line:%d", n))
		if err == nil {
			tags, err = plan.AppendTags(tags[:0], &ev)
		}
		if err != nil {
			sum.Bad++
			bad(n, err)
			continue
		}
		sum.Events++
		for i := range tags {
			if text, err = wire.AppendTagJSON(text[:0], &tags[i]); err != nil {
				return sum, fmt.Errorf("line %d: %w", n, err)
			}
			sum.Tags++
			if _, err := w.Write(append(text, '\n')); err != nil {
				return sum, fmt.Errorf("writing tags: %w", err)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return sum, errors.Join(fmt.Errorf("reading line %d: %w", n+1, err), w.Flush())
	}
	if err := w.Flush(); err != nil {
		return sum, fmt.Errorf("writing tags: %w", err)
	}
	return sum, nil
}
