package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"ttpworker/internal/app"
	"ttpworker/internal/verify"
)

func printVerification(w, notes io.Writer, v *app.Verification) error {
	fmt.Fprintf(notes, "the plan of %s is %s\n", count(v.Rules, "rule"), v.Plan)
	under := map[string][]string{} // partitions by plan
	for _, p := range v.UnderOther() {
		under[p.Plan] = append(under[p.Plan], partitionName(&p))
	}
	for _, plan := range slices.Sorted(maps.Keys(under)) {
		fmt.Fprintf(notes, "the live workers have another plan, %s, in %s\n", planName(plan), strings.Join(under[plan], ", "))
	}
	var left []string
	for _, p := range v.Partitions {
		if p.Cut < 0 {
			left = append(left, partitionName(&p))
		}
	}
	if len(left) > 0 {
		fmt.Fprintf(notes, "left out, as no worker has committed them yet: %s\n", strings.Join(left, ", "))
	}
	for _, why := range slices.Sorted(maps.Keys(v.Unknown)) {
		fmt.Fprintf(notes, "unknown, %s: %s\n", count(v.Unknown[why], "tag"), unknownText(why))
	}
	if len(v.Counts) > 0 {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "KIND\tRULE\tTECHNIQUE\tTAGS")
		for _, c := range v.Counts {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", c.Kind, dash(c.Rule), dash(c.Technique), c.Tags)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for i := range v.Samples {
		printSample(w, &v.Samples[i])
	}
	verdict := "no difference"
	if n := v.Differences(); n > 0 {
		verdict = count(n, "difference")
	}
	if v.Events() == 0 && v.Differences() == 0 {
		_, err := fmt.Fprintln(w, "nothing was compared: the live workers have committed no record of the range")
		return err
	}
	_, err := fmt.Fprintf(w, "%s: the plan gives %s for %s\n", verdict, count(v.Tags(), "tag"), count(v.Events(), "record"))
	return err
}

// planName is the plan that a commit of the live group names; a worker's always does.
func planName(digest string) string {
	return cmp.Or(escape(digest, maxShown), "not named by the group's offsets (set by another program?)")
}

func partitionName(p *verify.Partition) string { return p.Topic + "/" + strconv.Itoa(int(p.Number)) }

func dash(text string) string { return cmp.Or(escape(text, maxShown), "-") }

func printSample(w io.Writer, s *verify.Sample) {
	fmt.Fprintf(w, "%s: tag %s of %s, %s, event %s/%d/%d\n", s.Kind, s.ID, dash(s.Rule), dash(s.Technique), s.Topic, s.Partition, s.Offset)
	for _, f := range s.Fields {
		fmt.Fprintf(w, "  %s: %s, and the plan gives %s\n", f.Name, fieldText(f.Got), fieldText(f.Want))
	}
}

func fieldText(v json.RawMessage) string {
	if v == nil {
		return "nothing"
	}
	return escape(string(v), maxShown)
}

func unknownText(why verify.Unknown) string {
	switch why {
	case verify.Gone:
		return "retention has taken their events away"
	case verify.Undecodable:
		return "their events cannot be read"
	case verify.Failed:
		return "a tagger has failed on their events"
	case verify.TooLarge:
		return "their events have a tag that is larger than its topic takes"
	}
	return string(why)
}

// A verificationReport is a verification as JSON.
type verificationReport struct {
	Plan        string                 `json:"plan"`
	Rules       int                    `json:"rules"`
	Records     int                    `json:"records"`
	Tags        int                    `json:"tags"`
	Differences int                    `json:"differences"`
	Counts      []differenceCount      `json:"counts"`
	Samples     []differenceSample     `json:"samples"`
	Unknown     map[verify.Unknown]int `json:"unknown"`
	Partitions  []verifiedPartition    `json:"partitions"`
}

type differenceCount struct {
	Kind      verify.Kind `json:"kind"`
	Rule      string      `json:"rule_id"`
	Technique string      `json:"technique"`
	Tags      int         `json:"tags"`
}

type differenceSample struct {
	Kind      verify.Kind       `json:"kind"`
	ID        string            `json:"tag_id"`
	Rule      string            `json:"rule_id"`
	Technique string            `json:"technique"`
	Source    string            `json:"source"`
	In        []string          `json:"in"`
	Fields    []differenceField `json:"fields"`
}

type differenceField struct {
	Name string          `json:"name"`
	Want json.RawMessage `json:"want"`
	Got  json.RawMessage `json:"got"`
}

type verifiedPartition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`
	To        int64  `json:"to"`
	Committed *int64 `json:"committed"`
	Plan      string `json:"plan"`
	Records   int    `json:"records"`
	Tags      int    `json:"tags"`
}

func printVerificationJSON(w io.Writer, v *app.Verification) error {
	out := verificationReport{
		Plan: v.Plan, Rules: v.Rules, Records: v.Events(), Tags: v.Tags(), Differences: v.Differences(), Unknown: v.Unknown,
		Counts: []differenceCount{}, Samples: []differenceSample{}, Partitions: []verifiedPartition{},
	}
	for _, c := range v.Counts {
		out.Counts = append(out.Counts, differenceCount{c.Kind, c.Rule, c.Technique, c.Tags})
	}
	for i := range v.Samples {
		out.Samples = append(out.Samples, sampleJSON(&v.Samples[i]))
	}
	for _, p := range v.Partitions {
		row := verifiedPartition{Topic: p.Topic, Partition: p.Number, From: p.From, To: max(p.To, p.From), Plan: p.Plan, Records: p.Events, Tags: p.Tags}
		if p.Cut >= 0 {
			row.Committed = &p.Cut
		}
		out.Partitions = append(out.Partitions, row)
	}
	return writeJSON(w, out)
}

func sampleJSON(s *verify.Sample) differenceSample {
	row := differenceSample{
		Kind: s.Kind, ID: s.ID.String(), Rule: s.Rule, Technique: s.Technique, In: append([]string{}, s.TagTopics...), Fields: []differenceField{},
		Source: s.Topic + "/" + strconv.Itoa(int(s.Partition)) + "/" + strconv.FormatInt(s.Offset, 10),
	}
	for _, f := range s.Fields {
		row.Fields = append(row.Fields, differenceField(f))
	}
	return row
}
