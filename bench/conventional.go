package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// conventional does what engines without an index do, as well as that goes: encoding/json into a map, every text
// folded once, and all rules tried in turn, a regular expression only where a value needs one. It shares no code with
// match, and so is a second opinion on what the rules mean. It knows the modifiers that the public rules use.
type conventional struct {
	rules []conventionalRule
	event document
	hits  []int32
}

type conventionalRule struct {
	id   int32
	test test
}

// A test is a compiled condition or a part of it.
type test func(*document) bool

// A document is a decoded payload.
type document struct {
	values map[string][]value // by path, with dots
	all    []value
}

// A value is a scalar of the payload.
type value struct {
	text   string
	folded string
	null   bool
}

// newConventional loads the rules it can, and counts the others.
func newConventional(sources []source) (e *conventional, bad int) {
	e = &conventional{}
	for i, s := range sources {
		t, err := compileDetection(s.detection)
		if err != nil {
			bad++
			continue
		}
		e.rules = append(e.rules, conventionalRule{int32(i), t})
	}
	return e, bad
}

func (e *conventional) decode(payload []byte) error {
	var object map[string]any
	if err := json.Unmarshal(payload, &object); err != nil {
		return fmt.Errorf("decoding a payload: %w", err)
	}
	e.event = document{values: make(map[string][]value, len(object))}
	for name, v := range object {
		e.event.add(name, v)
	}
	return nil
}

// add adds a value of the payload and what it holds.
func (d *document) add(name string, v any) {
	var out value
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			d.add(name+"."+key, inner)
		}
		return
	case []any:
		for _, inner := range v {
			d.add(name, inner)
		}
		return
	case nil:
		out.null = true
	case string:
		out.text = v
	case float64:
		out.text = strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		out.text = strconv.FormatBool(v)
	}
	out.folded = strings.ToLower(out.text)
	d.values[name] = append(d.values[name], out)
	d.all = append(d.all, out)
}

func (e *conventional) Match(payload []byte) []int32 {
	e.hits = e.hits[:0]
	if e.decode(payload) != nil {
		return nil
	}
	for i := range e.rules {
		if e.rules[i].test(&e.event) {
			e.hits = append(e.hits, e.rules[i].id)
		}
	}
	return e.hits
}

// compileDetection compiles selections and a condition.
func compileDetection(n *yaml.Node) (test, error) {
	c := conditionParser{selections: map[string]test{}}
	var conditions []*yaml.Node
	for _, p := range pairs(n) {
		switch p.key {
		case "condition":
			conditions = items(p.value)
		case "timeframe":
		default:
			t, err := compileSelection(p.value)
			if err != nil {
				return nil, err
			}
			c.names = append(c.names, p.key)
			c.selections[p.key] = t
		}
	}
	var tests []test
	for _, condition := range conditions {
		t, err := c.parse(condition.Value)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return anyOf(tests), nil
}

// compileSelection compiles a list of alternatives, a mapping or a keyword.
func compileSelection(n *yaml.Node) (test, error) {
	var tests []test
	for _, item := range items(n) {
		t, err := compileItem(item)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return anyOf(tests), nil
}

func compileItem(item *yaml.Node) (test, error) {
	if item.Kind != yaml.MappingNode {
		return compileValue("", nil, item)
	}
	var tests []test
	for _, p := range pairs(item) {
		field, rest, modified := strings.Cut(p.key, "|")
		var modifiers []string
		if modified {
			modifiers = strings.Split(rest, "|")
		}
		t, err := compileField(field, modifiers, items(p.value))
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return allOf(tests), nil
}

func anyOf(tests []test) test {
	if len(tests) == 1 {
		return tests[0]
	}
	return func(d *document) bool {
		for _, t := range tests {
			if t(d) {
				return true
			}
		}
		return false
	}
}

func allOf(tests []test) test {
	if len(tests) == 1 {
		return tests[0]
	}
	return func(d *document) bool {
		for _, t := range tests {
			if !t(d) {
				return false
			}
		}
		return true
	}
}
