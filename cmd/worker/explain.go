package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"ttpworker/internal/app"
	"ttpworker/internal/explain"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

// explainFlags are what explain is asked.
type explainFlags struct {
	ruleFlags

	anchor, event, ruleID, format string
	topics                        []string
}

func newExplain(g *globals) *cobra.Command {
	var q explainFlags
	c := &cobra.Command{
		Use:   "explain TAG_ID | --event FILE --rule RULE_ID",
		Short: "Say why a tag is there, or why a rule matches an event or does not",
		Long: "Find a tag, read its event, make its rule again from the archive as it was then, and say whether it gives the tag\n" +
			"again, what of it matched, and where. With --event it needs no Kafka: it says why a rule matches an event, or the\n" +
			"first condition that fails. docs/explain.md has the form of --output json.",
		Example: `  worker explain 5bf7bf99-d026-5137-bf29-c076c5554b8f --anchor 0b6bf8a4-6f7c-4b6e-9d9e-0a4b1a2c3d4e
  printf '{"source_kind":"command","payload":{"command_text":"cat /etc/hosts"}}' | worker explain --event - --rule R0014`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
	}
	f := c.Flags()
	q.add(f)
	f.StringVar(&q.anchor, "anchor", "", "the event's `key`, to look first where Kafka's partitioner puts it")
	f.StringSliceVar(&q.topics, "topic", nil, "look in this `topic`; without it in the tags, then in the shadow tags")
	f.StringVar(&q.event, "event", "", "explain the events in this `file`, JSON objects; - is standard input")
	f.StringVar(&q.ruleID, "rule", "", "with --event: the `id` of the rule")
	f.StringVar(&q.format, "format", "", "with --event: `format` of the events, tagger_event or cowrie (default: input.format of the configuration)")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		changed := func(names ...string) bool { return slices.ContainsFunc(names, f.Changed) }
		switch {
		case changed("event") && (len(args) > 0 || changed("anchor", "topic")):
			return usage(errors.New("--event is about events in a file: TAG_ID, --anchor and --topic are about a tag in Kafka"))
		case changed("event") && q.ruleID == "":
			return usage(errors.New("--event wants --rule RULE_ID, the rule to explain"))
		case changed("event"):
			return interruptible(cmd.Context(), func() error { return explainEvents(cmd, g, &q) })
		case len(args) == 0:
			return usage(errors.New("give the id of a tag, or --event FILE and --rule RULE_ID"))
		case changed("rule", "format"):
			return usage(errors.New("--rule and --format go with --event"))
		}
		id, err := uuid.Parse(args[0])
		if err != nil {
			return usage(fmt.Errorf("%q is no tag id: 36 characters, such as 5bf7bf99-d026-5137-bf29-c076c5554b8f", args[0]))
		}
		return explainTag(cmd, g, &q, id)
	}
	return c
}

func explainTag(cmd *cobra.Command, g *globals, q *explainFlags, id uuid.UUID) error {
	cfg, log, err := g.loadForKafka()
	if err != nil {
		return err
	}
	query := app.TagQuery{ID: id, Anchor: q.anchor, Topics: q.topics}
	if len(q.dirs) > 0 {
		query.Rules = func() ([]*rule.Rule, error) {
			set, err := q.read(cfg)
			return set.Rules, errors.Join(err, set.Faults)
		}
	}
	query.Progress = showReading
	a, err := app.ExplainTag(cmd.Context(), cfg, log, query)
	if err != nil {
		return err
	}
	if g.json() {
		err = writeJSON(cmd.OutOrStdout(), a)
	} else {
		printAnswer(cmd.OutOrStdout(), a)
		for _, fault := range a.Faults {
			fmt.Fprintln(cmd.ErrOrStderr(), printable(fault))
		}
	}
	if err == nil && !a.Explained() {
		err = &codedError{code: exitFailure}
	}
	return err
}

// showReading shows how far the reading of a topic is, where somebody watches.
func showReading(total int64) (read func(int64), done func()) {
	bar := newProgress(total, "looking for the tag")
	if bar == nil {
		return nil, func() {}
	}
	return func(n int64) { _ = bar.Add64(n) }, func() { _ = bar.Finish() }
}

// An eventAnswer is what a rule makes of an event.
type eventAnswer struct {
	Event *explain.Event    `json:"event"`
	Tags  []json.RawMessage `json:"tags"` // never null
	Why   explain.Why       `json:"why"`
}

// explainEvents explains what a rule makes of the events of a file.
func explainEvents(cmd *cobra.Command, g *globals, q *explainFlags) error {
	cfg, _, err := g.load()
	if err != nil {
		return err
	}
	if q.format != "" {
		cfg.Input.Format = wire.Format(q.format)
	}
	if err := cfg.Input.Format.Validate(); err != nil {
		return usage(fmt.Errorf("--format: %w", err))
	}
	set, err := q.read(cfg)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(set.Rules, func(r *rule.Rule) bool { return r.ID == q.ruleID })
	if at < 0 {
		tell(cmd.ErrOrStderr(), set)
		return fmt.Errorf("there is no rule %q; `worker rules list` shows those that there are", q.ruleID)
	}
	r := set.Rules[at]
	dec, err := wire.NewDecoderOf(cfg.Input.Format, cfg.Limits.Limits)
	if err != nil {
		return err
	}
	in, done, err := input(cmd, []string{q.event})
	if err != nil {
		return err
	}
	defer done()
	answers := []eventAnswer{}
	err = eachEvent(in, dec, func(ev *tagger.TaggerEvent) error {
		a, err := explainEvent(r, ev)
		answers = append(answers, a)
		return err
	})
	if err != nil {
		return err
	}
	if g.json() {
		return writeJSON(cmd.OutOrStdout(), struct {
			Rule   *explain.Rule `json:"rule"`
			Events []eventAnswer `json:"events"`
		}{explain.NewRule(r, explain.FromFiles), answers})
	}
	printEvents(cmd.OutOrStdout(), r, answers)
	return nil
}

// eachEvent calls take with every event of a stream of JSON objects. One without a source_id is event:<n>.
func eachEvent(in io.Reader, dec *wire.Decoder, take func(*tagger.TaggerEvent) error) error {
	values := json.NewDecoder(in)
	for n := 1; ; n++ {
		var raw json.RawMessage
		err := values.Decode(&raw)
		if errors.Is(err, io.EOF) && n > 1 {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return errors.New("there is no event: give a JSON object such as " +
				`{"source_kind": "command", "payload": {"command_text": "id"}}`)
		}
		if err != nil {
			return fmt.Errorf("event %d is no JSON: %w", n, err)
		}
		ev, _, err := dec.EventOr(raw, time.Time{}, fmt.Sprintf("event:%d", n))
		if err != nil {
			return fmt.Errorf("event %d: %w", n, err)
		}
		if err := take(&ev); err != nil {
			return fmt.Errorf("event %d: %w", n, err)
		}
	}
}

func explainEvent(r *rule.Rule, ev *tagger.TaggerEvent) (eventAnswer, error) {
	a := eventAnswer{Event: explain.NewEvent(ev, false), Tags: []json.RawMessage{}}
	var tags []tagger.Tag
	var err error
	if a.Why, tags, err = explain.Evaluate(r, ev, tagger.DefaultStanding()); err != nil {
		return a, err
	}
	for i := range tags {
		line, err := wire.AppendTagJSON(nil, &tags[i])
		if err != nil {
			return a, err
		}
		a.Tags = append(a.Tags, line)
	}
	return a, nil
}
