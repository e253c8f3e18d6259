package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"ttpworker/internal/app"
	"ttpworker/internal/retag"
)

// printRetag prints what a retag came to: the result to w, and what else there is to know to notes.
func printRetag(g *globals, w, notes io.Writer, out *app.Retagged, dry bool) error {
	if g.json() {
		return printRetagJSON(w, out, dry)
	}
	printUnderOther(notes, out)
	report := &out.Report
	if len(report.ByLabel) > 0 {
		if err := printChanges(w, report); err != nil {
			return err
		}
	}
	did := "wrote " + count(report.Records, "record")
	switch {
	case out.Job.Events() == 0:
		did = "none is in the range"
	case out.Candidate != "":
		did = "each evaluated under both plans"
	case dry:
		did = "would write " + count(report.Records, "record")
	}
	_, err := fmt.Fprintf(w, "%s read, %s\n", count(report.Events, "event"), did)
	for _, note := range []struct {
		n    int
		says string
	}{
		{report.Unknown, "events cannot be read, or a tagger failed"},
		{report.Kept, "tags of those stay"},
		{report.Gone, "tags are of events that are gone (retention); they stay"},
		{report.Outside, "tags belong to events outside the range; they stay"},
		{report.Restored, "tags of live workers were put back that the job had written over"},
	} {
		if note.n > 0 && err == nil {
			_, err = fmt.Fprintf(w, "%d %s\n", note.n, note.says)
		}
	}
	return err
}

// printUnderOther says which plan this was, and what is not under it.
func printUnderOther(notes io.Writer, out *app.Retagged) {
	fmt.Fprintf(notes, "the plan of %s is %s\n", count(out.Rules, "rule"), out.Job.Plan)
	if out.Candidate != "" {
		fmt.Fprintf(notes, "it was compared with plan %s\n", out.Candidate)
		return // whatever live workers have
	}
	under := map[string][]string{} // partitions by plan
	for _, p := range out.Job.UnderOther() {
		part := out.Job.Parts[p]
		under[part.Plan] = append(under[part.Plan], fmt.Sprintf("%s/%d from %d on", p.Topic, p.Number, part.Cut))
	}
	for _, plan := range slices.Sorted(maps.Keys(under)) {
		fmt.Fprintf(notes, "live workers tag under another plan, %s, in %s: retag again once they are under this one\n",
			planName(plan), strings.Join(under[plan], ", "))
	}
}

// printChanges prints the counts by rule and technique, and samples of what changes.
func printChanges(w io.Writer, report *retag.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tTECHNIQUE\tADDED\tREMOVED\tCHANGED\tUNCHANGED")
	for _, l := range report.Labels() {
		c := report.ByLabel[l]
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\n", dash(l.RuleID), dash(l.Technique), c.Added, c.Removed, c.Changed, c.Unchanged)
	}
	total := report.Total()
	fmt.Fprintf(t, "all\t\t%d\t%d\t%d\t%d\n", total.Added, total.Removed, total.Changed, total.Unchanged)
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, l := range report.Labels() {
		for _, s := range report.ByLabel[l].Samples {
			fmt.Fprintf(w, "%s: tag %s of %s, %s, event %s\n", s.Change, s.TagID, dash(l.RuleID), dash(l.Technique), s.Source)
		}
	}
	return nil
}

// A retagReport is what a retag came to, as JSON.
type retagReport struct {
	Job       string          `json:"job"`
	Plan      string          `json:"plan"`
	Rules     int             `json:"rules"`
	DryRun    bool            `json:"dry_run"`
	Candidate *string         `json:"compared_with"`
	Events    int             `json:"events"`
	Records   int             `json:"records"`
	Unknown   int             `json:"unknown_events"`
	Kept      int             `json:"kept_tags"`
	Gone      int             `json:"tags_of_gone_events"`
	Outside   int             `json:"tags_outside_range"`
	Restored  int             `json:"restored_tags"`
	Groups    []retagGroup    `json:"groups"`
	Parts     []retagPartJSON `json:"partitions"`
}

type retagGroup struct {
	RuleID    string `json:"rule_id"`
	Technique string `json:"technique"`
	retag.Counts
}

type retagPartJSON struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`
	To        int64  `json:"to"`
	Cut       int64  `json:"cut"`
	Plan      string `json:"plan_after_cut"`
}

func printRetagJSON(w io.Writer, out *app.Retagged, dry bool) error {
	report := &out.Report
	doc := retagReport{
		Job: out.Job.ID, Plan: out.Job.Plan, Rules: out.Rules, DryRun: dry, Events: report.Events, Records: report.Records, Unknown: report.Unknown,
		Kept: report.Kept, Gone: report.Gone, Outside: report.Outside, Restored: report.Restored, Groups: []retagGroup{}, Parts: []retagPartJSON{},
	}
	if out.Candidate != "" {
		doc.Candidate = &out.Candidate
	}
	for _, l := range report.Labels() {
		c := *report.ByLabel[l]
		if c.Samples == nil {
			c.Samples = []retag.Sample{}
		}
		doc.Groups = append(doc.Groups, retagGroup{l.RuleID, l.Technique, c})
	}
	for _, at := range out.Job.Partitions() {
		p := out.Job.Parts[at]
		doc.Parts = append(doc.Parts, retagPartJSON{at.Topic, at.Number, p.Span.From, p.Span.To, p.Cut, p.Plan})
	}
	return writeJSON(w, doc)
}
