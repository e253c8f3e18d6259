package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ttpworker/internal/app"
	"ttpworker/internal/deadletter"
	"ttpworker/internal/wire"
)

func newDLQ(g *globals) *cobra.Command {
	return group("dlq", "List and replay dead letters", newDLQList(g), newDLQReplay(g))
}

// letterFlags choose letters.
type letterFlags struct {
	classes, sources []string
	from, to         string
	contains, key    string
	flags            *pflag.FlagSet
}

func (l *letterFlags) add(f *pflag.FlagSet) {
	l.flags = f
	f.StringSliceVar(&l.classes, "class", nil, "only these error `classes`: "+wire.ClassNames())
	f.StringSliceVar(&l.sources, "source", nil, "only records from here: `topic[/partition[/offset[-last]]]`, as in the list")
	f.StringVar(&l.from, "from", "", "only letters written at this `time` or later: RFC 3339, or how long ago, e.g. 2h")
	f.StringVar(&l.to, "to", "", "only letters written before this `time`")
	f.StringVar(&l.contains, "contains", "", "only letters whose error has this `text` in it, whatever the case")
	f.StringVar(&l.key, "key", "", "only records with this `key`")
}

// filter is what the flags say.
func (l *letterFlags) filter(now time.Time) (deadletter.Filter, error) {
	f := deadletter.Filter{Contains: l.contains}
	var errs []error
	for _, c := range l.classes {
		if !slices.Contains(wire.Classes(), wire.Class(c)) {
			errs = append(errs, fmt.Errorf("--class %q: one of %s", c, wire.ClassNames()))
		}
		f.Classes = append(f.Classes, wire.Class(c))
	}
	for _, text := range l.sources {
		s, err := deadletter.ParseSource(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--source: %w", err))
		}
		f.Sources = append(f.Sources, s)
	}
	var err error
	if f.From, err = moment("--from", l.from, now); err != nil {
		errs = append(errs, err)
	}
	if f.To, err = moment("--to", l.to, now); err != nil {
		errs = append(errs, err)
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		errs = append(errs, errors.New("--from is not before --to"))
	}
	if l.flags.Changed("key") {
		f.Key = []byte(l.key)
	}
	return f, errors.Join(errs...)
}

// moment reads a time, or how long ago it was; "" is the zero time.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s %q is neither RFC 3339, such as 2026-01-31T15:04:05Z, nor how long ago, such as 2h", flag, text)
	}
	return t, nil
}

func newDLQList(g *globals) *cobra.Command {
	var which letterFlags
	var limit int
	var payload bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Show dead letters: records that are no events, and why",
		Long: "Show dead letters, the latest last. A letter that is marked as replayed went back to its topic; if it failed again,\n" +
			"there is a newer one. With --output json each letter is an object on a line of its own.",
		Example: `  worker dlq list --from 2h --class bad_field
  worker dlq list --source ttp_events/3/1000-2000 --payload`,
		Args: usageArgs(cobra.NoArgs),
	}
	which.add(c.Flags())
	c.Flags().IntVar(&limit, "limit", 100, "show the latest so many; 0 = all, not ordered by time")
	c.Flags().BoolVar(&payload, "payload", false, "show the values, too: escaped and cut, with --output json whole")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		f, err := which.filter(time.Now())
		if limit < 0 {
			err = errors.Join(err, fmt.Errorf("--limit %d is less than 0", limit))
		}
		if err != nil {
			return usage(err)
		}
		cfg, log, err := g.loadForKafka()
		if err != nil {
			return err
		}
		return app.WithDeadLetters(cmd.Context(), cfg, log, func(b *deadletter.Box) error {
			out := letterPrinter(g, cmd.OutOrStdout(), payload)
			sum, err := b.List(cmd.Context(), f, limit, out.show)
			if err = errors.Join(err, out.flush()); err == nil && !g.json() {
				printListing(cmd.ErrOrStderr(), sum, limit)
			}
			return err
		})
	}
	return c
}

func printListing(w io.Writer, sum deadletter.Listing, limit int) {
	if sum.Letters == 0 {
		fmt.Fprintln(w, "no dead letters like that")
		return
	}
	var classes []string
	for _, c := range wire.Classes() {
		if n := sum.Classes[c]; n > 0 {
			classes = append(classes, fmt.Sprintf("%s %d", c, n))
		}
	}
	fmt.Fprintf(w, "%s: %s; %d of them replayed\n", count(sum.Letters, "dead letter"), strings.Join(classes, ", "), sum.Replayed)
	if limit > 0 && sum.Letters > limit {
		fmt.Fprintf(w, "the latest %d are shown, --limit 0 shows all\n", limit)
	}
}

// count is n and a noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// A letterOutput shows letters one by one.
type letterOutput struct {
	show  func(*deadletter.Letter) error
	flush func() error
}

func letterPrinter(g *globals, w io.Writer, payload bool) letterOutput {
	if g.json() {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return letterOutput{func(l *deadletter.Letter) error { return enc.Encode(letterJSON(l, payload)) }, func() error { return nil }}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	empty := true
	return letterOutput{func(l *deadletter.Letter) error {
		if empty {
			fmt.Fprintln(t, "WRITTEN\tSOURCE\tCLASS\tSTATE\tKEY\tBYTES\tERROR"+map[bool]string{true: "\tVALUE"}[payload])
			empty = false
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s", l.Time.UTC().Format(time.RFC3339), escape(l.Source.String(), maxShown), escape(string(l.Class), maxShown),
			letterState(l), orDash(l.Key, 40), len(l.Value), escape(l.Error, 120))
		if payload {
			fmt.Fprintf(t, "\t%s", orDash(l.Value, maxShown))
		}
		_, err := fmt.Fprintln(t)
		return err
	}, t.Flush}
}

func letterState(l *deadletter.Letter) string {
	switch {
	case l.Replayed:
		return "replayed"
	case l.Unreadable():
		return "unreadable"
	case l.CutFrom != "":
		return "cut"
	}
	return "-"
}

// maxShown is how much of a text is shown, in bytes before escaping.
const maxShown = 500

// escape makes a text of attackers fit for a terminal: on one line, nothing but printable characters, and no longer than
// limit bytes before that.
func escape(text string, limit int) string {
	more := ""
	if len(text) > limit {
		text, more = text[:limit], "..."
		for range utf8.UTFMax - 1 { // not within a character
			if r, size := utf8.DecodeLastRuneInString(text); r != utf8.RuneError || size != 1 {
				break
			}
			text = text[:len(text)-1]
		}
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`) + more
}

// orDash is escape; - stands for no bytes at all.
func orDash(b []byte, limit int) string {
	if b == nil {
		return "-"
	}
	return escape(string(b), limit)
}

// A letterRow is a letter as JSON. Bytes that are no UTF-8 are in Base64.
type letterRow struct {
	Partition   int32      `json:"partition"`
	Offset      int64      `json:"offset"`
	Time        time.Time  `json:"time"`
	Class       wire.Class `json:"class"`
	Error       string     `json:"error"`
	Source      string     `json:"source"`
	SourceTime  *time.Time `json:"source_time"`
	State       string     `json:"state"`
	CutFrom     string     `json:"cut_from,omitempty"`
	Key         *string    `json:"key"`
	KeyBase64   string     `json:"key_base64,omitempty"`
	Bytes       int        `json:"bytes"`
	Value       *string    `json:"value,omitempty"`
	ValueBase64 string     `json:"value_base64,omitempty"`
}

func letterJSON(l *deadletter.Letter, payload bool) letterRow {
	row := letterRow{
		Partition: l.At.Partition, Offset: l.At.Offset, Time: l.Time.UTC(), Class: l.Class, Error: l.Error, Source: l.Source.String(),
		SourceTime: orNil(l.SourceTime), State: strings.Replace(letterState(l), "-", "dead", 1), CutFrom: l.CutFrom, Bytes: len(l.Value),
	}
	row.Key, row.KeyBase64 = textOrBase64(l.Key)
	if payload {
		row.Value, row.ValueBase64 = textOrBase64(l.Value)
	}
	return row
}

func textOrBase64(b []byte) (text *string, encoded string) {
	switch {
	case b == nil:
		return nil, ""
	case utf8.Valid(b):
		return new(string(b)), ""
	}
	return nil, base64.StdEncoding.EncodeToString(b)
}
