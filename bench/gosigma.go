package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	sigma "github.com/markuskont/go-sigma-rule-engine"
	yamlv2 "gopkg.in/yaml.v2"
	"gopkg.in/yaml.v3"
)

// goSigmaName is the public engine in the table. A test holds its version to go.mod.
const goSigmaName = "go-sigma-rule-engine v0.3.0"

// goSigma is a public engine, used as its documentation says and as fast as that goes: without collapsing white space,
// which costs a regular expression for each comparison and is not what Sigma asks for, and asking its rules one by one,
// which saves the results that EvalAll makes.
type goSigma struct {
	rules []goSigmaRule
	event sigmaEvent
	hits  []int32
}

type goSigmaRule struct {
	id   int32
	tree *sigma.Tree
}

// newGoSigma loads the rules it can, and returns the places of the others, ascending.
func newGoSigma(sources []source) (e *goSigma, bad []int32) {
	e = &goSigma{event: sigmaEvent{fields: map[string]any{}}}
	for i, s := range sources {
		tree, err := sigmaTree(s.detection)
		if err != nil {
			bad = append(bad, int32(i))
			continue
		}
		e.rules = append(e.rules, goSigmaRule{int32(i), tree})
	}
	return e, bad
}

// sigmaTree compiles a detection. It goes through text, since the engine takes what yaml.v2 makes of a rule.
func sigmaTree(detection *yaml.Node) (tree *sigma.Tree, err error) {
	defer func() {
		if r := recover(); r != nil { // the engine panics on a selection that is null
			err = fmt.Errorf("compiling a detection: %v", r)
		}
	}()
	text, err := yaml.Marshal(detection)
	if err != nil {
		return nil, fmt.Errorf("writing a detection: %w", err)
	}
	var d sigma.Detection
	if err := yamlv2.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("reading a detection: %w", err)
	}
	tree, err = sigma.NewTree(sigma.RuleHandle{Rule: sigma.Rule{Detection: d}, NoCollapseWS: true})
	if err != nil {
		return nil, fmt.Errorf("compiling a detection: %w", err)
	}
	return tree, nil
}

func (e *goSigma) decode(payload []byte) error { return e.event.decode(payload) }

func (e *goSigma) Match(payload []byte) []int32 {
	e.hits = e.hits[:0]
	if e.decode(payload) != nil {
		return nil
	}
	for i := range e.rules {
		if hit, applicable := e.rules[i].tree.Match(&e.event); hit && applicable {
			e.hits = append(e.hits, e.rules[i].id)
		}
	}
	return e.hits
}

// A sigmaEvent is a payload as the engine asks for it.
type sigmaEvent struct {
	fields map[string]any // by path, with dots, so that a field costs one look-up
	words  []string       // every value as a text; empty until a rule of keywords asks
}

var _ sigma.Event = (*sigmaEvent)(nil)

// decode reads a payload. The map is used again, which saves growing it.
func (e *sigmaEvent) decode(payload []byte) error {
	clear(e.fields)
	e.words = e.words[:0]
	if err := json.Unmarshal(payload, &e.fields); err != nil {
		return fmt.Errorf("decoding a payload: %w", err)
	}
	for name, v := range e.fields {
		e.lift(name, v)
	}
	return nil
}

// lift puts a value where the engine finds it and in a type that it knows. Lists it does not know.
func (e *sigmaEvent) lift(name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(e.fields, name)
		for key, inner := range v {
			e.lift(name+"."+key, inner)
		}
	case bool:
		e.fields[name] = strconv.FormatBool(v)
	case nil: // it would be equal to any number
		delete(e.fields, name)
	default:
		e.fields[name] = v
	}
}

// Select returns the value of a field.
func (e *sigmaEvent) Select(field string) (any, bool) {
	v, ok := e.fields[field]
	return v, ok
}

// Keywords returns all values.
func (e *sigmaEvent) Keywords() ([]string, bool) {
	if len(e.words) == 0 {
		for _, v := range e.fields {
			switch v := v.(type) {
			case string:
				e.words = append(e.words, v)
			case float64:
				e.words = append(e.words, strconv.FormatFloat(v, 'f', -1, 64))
			}
		}
	}
	return e.words, true
}
