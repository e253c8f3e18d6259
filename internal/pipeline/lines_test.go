package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/pipeline"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// tagLines runs TagLines and returns the tags as "source_id technique", the bad lines as "3: what is wrong".
func tagLines(t *testing.T, plan *pipeline.Plan, in io.Reader) (sum pipeline.Lines, tags, bad []string, err error) {
	t.Helper()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	sum, err = pipeline.TagLines(t.Context(), plan, dec, in, &out, func(line int, err error) {
		bad = append(bad, fmt.Sprintf("%d: %v", line, err))
	})
	for line := range strings.Lines(out.String()) {
		var tag struct {
			SourceID  string `json:"source_id"`
			Technique string `json:"technique_id"`
		}
		if !strings.HasSuffix(line, "\n") {
			t.Errorf("output ends inside the line %q", line)
		}
		if err := json.Unmarshal([]byte(line), &tag); err != nil {
			t.Fatalf("output line %q: %v", line, err)
		}
		tags = append(tags, tag.SourceID+" "+tag.Technique)
	}
	return sum, tags, bad, err
}

func TestTagLinesTagsInInputOrderAndSkipsWhatIsBad(t *testing.T) {
	t.Parallel()
	plan := newPlan(parse(t, "R1", 1, "curl"))
	in := strings.Join([]string{
		event("x1", "curl"),
		"",
		"garbage",
		"  " + `{"source_kind":"command","payload":{"command_text":"curl"}}` + " \r",
		`{"source_id":"x5","payload":{}}`,
		event("x6", "ls"),
		`{"source_kind":"command","source_id":"","payload":{"command_text":"curl"}}`,
		event("x8", "curl"), // no line end
	}, "\n")
	sum, tags, bad, err := tagLines(t, plan, strings.NewReader(in))
	if err != nil {
		t.Fatalf("TagLines = %v", err)
	}
	if diff := cmp.Diff(pipeline.Lines{Events: 5, Tags: 8, Bad: 2}, sum); diff != "" {
		t.Errorf("sum (-want +got):\n%s", diff)
	}
	want := []string{
		"x1 T1003", "x1 T1082", "line:4 T1003", "line:4 T1082", "line:7 T1003", "line:7 T1082", "x8 T1003", "x8 T1082",
	}
	if diff := cmp.Diff(want, tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if len(bad) != 2 || !strings.HasPrefix(bad[0], "3: undecodable: ") || !strings.HasPrefix(bad[1], "5: bad_field: ") {
		t.Errorf("bad lines = %q, want 3 undecodable and 5 bad_field", bad)
	}
}

// Programs of Windows begin a file with a byte order mark. The first event was refused for it.
func TestLinesMayBeginWithAByteOrderMark(t *testing.T) {
	t.Parallel()
	in := "\ufeff" + event("x1", "curl") + "\r\n" + "\ufeff" + event("x2", "curl") + "\r\n"
	_, tags, bad, err := tagLines(t, newPlan(parse(t, "R1", 1, "curl")), strings.NewReader(in))
	if diff := cmp.Diff([]string{"x1 T1003", "x1 T1082"}, tags); diff != "" || err != nil {
		t.Errorf("TagLines = %v, tags (-want +got):\n%s", err, diff)
	}
	if len(bad) != 1 || !strings.HasPrefix(bad[0], "2: undecodable: ") {
		t.Errorf("bad lines = %q, want 2 undecodable: a mark elsewhere is none", bad)
	}
}

func TestTagLinesOfNothing(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "\n", "\n\r\n  \n"} {
		sum, tags, bad, err := tagLines(t, newPlan(), strings.NewReader(in))
		if err != nil || sum != (pipeline.Lines{}) || tags != nil || bad != nil {
			t.Errorf("TagLines(%q) = %+v, %v, %v, %v, want nothing", in, sum, tags, bad, err)
		}
	}
}

// A line over the limit is one bad line like any other. It ended the whole run once, and whatever followed in the
// file was not tagged.
func TestTagLinesGoesOnAfterALineOfAnyLength(t *testing.T) {
	t.Parallel()
	plan := newPlan(parse(t, "R1", 1, "curl"))
	const limit = 64 << 20
	for _, tt := range []struct {
		name string
		tail string
		tags int
	}{
		{"in the middle", "\n" + event("x3", "curl") + "\n", 4},
		{"as the last line", "", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := io.MultiReader(strings.NewReader(event("x1", "curl")+"\n"), &filler{n: limit + 100}, strings.NewReader(tt.tail))
			sum, tags, bad, err := tagLines(t, plan, in)
			if err != nil {
				t.Fatalf("TagLines = %v", err)
			}
			if sum.Tags != tt.tags || len(tags) != tt.tags || sum.Bad != 1 {
				t.Errorf("sum = %+v, want %d tags and one bad line", sum, tt.tags)
			}
			if want := "2: too_large: the line is longer than 67108864 bytes"; len(bad) != 1 || bad[0] != want {
				t.Errorf("bad lines = %q, want %q", bad, want)
			}
		})
	}
	long := event("x1", "curl "+strings.Repeat("a", 900_000)) // far over a Scanner's own limit
	if sum, _, bad, err := tagLines(t, plan, strings.NewReader(long)); err != nil || sum.Tags != 2 {
		t.Errorf("TagLines of a line of 900 kB = %+v, bad %.100q, %v, want two tags", sum, bad, err)
	}
}

var block = strings.Repeat("a", 1<<20)

// A filler gives n bytes.
type filler struct{ n int }

func (f *filler) Read(p []byte) (int, error) {
	if f.n == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(f.n, len(p))], block)
	f.n -= n
	return n, nil
}

// Who pipes events in one by one, as from tail -f, wants to see their tags before the next event.
func TestTagLinesWritesBeforeItWaits(t *testing.T) {
	t.Parallel()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	plan := newPlan(parse(t, "R1", 1, "curl"))
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := pipeline.TagLines(t.Context(), plan, dec, inR, outW, func(int, error) {})
		_ = outW.Close()
		done <- err
	}()
	tags := json.NewDecoder(outR)
	for i := range 3 {
		if _, err := io.WriteString(inW, event(strconv.Itoa(i), "curl")+"\n"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var tag struct {
				SourceID string `json:"source_id"`
			}
			if err := tags.Decode(&tag); err != nil || tag.SourceID != strconv.Itoa(i) {
				t.Fatalf("tag of event %d: source_id %q, %v", i, tag.SourceID, err)
			}
		}
	}
	_ = inW.Close()
	if err := <-done; err != nil {
		t.Errorf("TagLines = %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestTagLinesSaysWhetherReadingOrWritingFailed(t *testing.T) {
	t.Parallel()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	plan := newPlan(parse(t, "R1", 1, "curl"))
	none := func(int, error) {}
	full := errors.New("disk is full")
	_, err = pipeline.TagLines(t.Context(), plan, dec, strings.NewReader(event("x", "curl")), failingWriter{full}, none)
	if !errors.Is(err, full) || !strings.HasPrefix(err.Error(), "writing tags: ") {
		t.Errorf("TagLines to a full disk = %v, want writing tags: ...", err)
	}
	gone := errors.New("device is gone")
	in := io.MultiReader(strings.NewReader(event("x", "curl")+"\n"), failingReader{gone})
	var out strings.Builder
	_, err = pipeline.TagLines(t.Context(), plan, dec, in, &out, none)
	if !errors.Is(err, gone) || !strings.HasPrefix(err.Error(), "reading line 2: ") {
		t.Errorf("TagLines from a broken file = %v, want reading line 2: ...", err)
	}
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d tags written before the fault, want 2", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = pipeline.TagLines(ctx, plan, dec, strings.NewReader(event("x", "curl")), &out, none); !errors.Is(err, context.Canceled) {
		t.Errorf("TagLines of an ended context = %v, want Canceled", err)
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestTagLinesGoesOnAfterATaggersFailure(t *testing.T) {
	t.Parallel()
	plan := planWith(t, broken{func([]tagger.Tag, *tagger.TaggerEvent) ([]tagger.Tag, error) { panic("broken") }})
	sum, _, bad, err := tagLines(t, plan, strings.NewReader(event("x1", "curl")+"\n"+event("x2", "curl")+"\n"))
	if err != nil || bad != nil || sum.Tags != 4 {
		t.Errorf("TagLines = %+v, bad %q, %v, want four tags", sum, bad, err)
	}
}

func TestReadLinesKeepsTheEvents(t *testing.T) {
	t.Parallel()
	dec, err := wire.NewDecoder(wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	in := `{"source_kind":"command","payload":{"a":1}}` + "\n\nno JSON\n" + `{"source_kind":"email","source_id":"x","payload":{"b":2}}`
	var reported []int
	events, bad, err := pipeline.ReadLines(t.Context(), dec, strings.NewReader(in), func(line int, _ error) { reported = append(reported, line) })
	if err != nil || bad != 1 || len(events) != 2 || !slices.Equal(reported, []int{3}) {
		t.Fatalf("ReadLines = %d events, %d bad, %v, reported %v; want 2, 1 and line 3", len(events), bad, err, reported)
	}
	if first, last := events[0], events[1]; first.SourceID != "line:1" || string(first.Payload) != `{"a":1}` || last.SourceID != "x" || string(last.Payload) != `{"b":2}` {
		t.Errorf("events = %+v", events)
	}
}
