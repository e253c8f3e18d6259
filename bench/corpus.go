package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"ttpworker/internal/match/matchtest"

	"gopkg.in/yaml.v3"
)

// A file is a rule as it was written.
type file = matchtest.File

// A source is a parsed rule: what all engines load.
type source struct {
	path      string
	detection *yaml.Node   // selections and a condition
	samples   []*yaml.Node // payloads that match, where the file has some
}

// readPack returns the rules of the worker's own pack.
func readPack(dir string) ([]file, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("looking for rules: %w", err)
	}
	files := make([]file, 0, len(names))
	for _, name := range names {
		data, err := os.ReadFile(name) //nolint:gosec // the directory is an argument
		if err != nil {
			return nil, fmt.Errorf("reading rules: %w", err)
		}
		files = append(files, file{Path: name, Data: data})
	}
	return files, nil
}

// parse returns the rule in a file: a Sigma rule, or one of the pack as a detection of regular expressions.
func parse(f file) (source, error) {
	var doc struct {
		Detection yaml.Node
		Match     struct{ Pattern, Field yaml.Node }
		Tests     []struct {
			Payload yaml.Node
			Expect  []string
		}
	}
	if err := yaml.NewDecoder(bytes.NewReader(f.Data)).Decode(&doc); err != nil {
		return source{}, fmt.Errorf("%s: %w", f.Path, err)
	}
	s := source{path: f.Path, detection: &doc.Detection}
	if doc.Detection.Kind == yaml.MappingNode {
		return s, nil
	}
	if doc.Match.Pattern.Kind == 0 {
		return source{}, fmt.Errorf("%s: no detection and no pattern", f.Path)
	}
	s.detection = patterns(&doc.Match.Pattern, &doc.Match.Field)
	for i := range doc.Tests {
		if len(doc.Tests[i].Expect) > 0 {
			s.samples = append(s.samples, &doc.Tests[i].Payload)
		}
	}
	return s, nil
}

// patterns is the detection that finds any of the patterns in any of the fields.
func patterns(pattern, field *yaml.Node) *yaml.Node {
	fields := items(field)
	if field.Kind == 0 {
		fields = []*yaml.Node{text("command_text"), text("raw_url"), text("payload_text")}
	}
	selection := &yaml.Node{Kind: yaml.SequenceNode}
	for _, f := range fields {
		selection.Content = append(selection.Content, &yaml.Node{
			Kind: yaml.MappingNode, Content: []*yaml.Node{text(f.Value + "|re"), pattern},
		})
	}
	return &yaml.Node{
		Kind: yaml.MappingNode, Content: []*yaml.Node{text("selection"), selection, text("condition"), text("selection")},
	}
}

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// items are the items of a list, or the node itself.
func items(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// parseAll parses every file it can, and counts the others.
func parseAll(files []file) (sources []source, bad int) {
	for _, f := range files {
		s, err := parse(f)
		if err != nil {
			bad++
			continue
		}
		sources = append(sources, s)
	}
	return sources, bad
}
