package lift

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ttpworker/internal/match"
	"ttpworker/internal/yamlx"
)

// A param is a parameter of a lifter.
type param struct {
	name string
	kind string // of its value, for people
	def  any    // what it is where the rule does not give it
	says string // for people: what it does
	read func(n *yamlx.Node, limits match.Limits) (any, error)
}

// count is a parameter that is a whole number, not negative; the value is an int64.
func count(name string, def int64, says string) param {
	return param{name: name, kind: "whole number", def: def, says: says, read: func(n *yamlx.Node, _ match.Limits) (any, error) {
		v, err := strconv.ParseInt(n.Text, 0, 64)
		if n.Kind != yamlx.NumberNode || err != nil || v < 0 {
			return nil, want(n, "a whole number that is not negative")
		}
		return v, nil
	}}
}

// number is a parameter that is any number from 0 to limit; the value is a float64.
func number(name string, def, limit float64, says string) param {
	return param{name: name, kind: "number", def: def, says: says, read: func(n *yamlx.Node, _ match.Limits) (any, error) {
		v, err := strconv.ParseFloat(n.Text, 64)
		if n.Kind != yamlx.NumberNode || err != nil || !(v >= 0 && v <= limit) {
			if math.IsInf(limit, 1) {
				return nil, want(n, "a number that is not negative")
			}
			return nil, want(n, fmt.Sprintf("a number from 0 to %v", limit))
		}
		return v, nil
	}}
}

// truth is a parameter that is true or false; the value is a bool.
func truth(name string, def bool, says string) param {
	return param{name: name, kind: "true or false", def: def, says: says, read: func(n *yamlx.Node, _ match.Limits) (any, error) {
		if n.Kind != yamlx.BoolNode {
			return nil, want(n, "true or false")
		}
		return n.Text == "true", nil
	}}
}

// text is a parameter that is a text, not empty; the value is a string.
func text(name, def, says string) param {
	return param{name: name, kind: "text", def: def, says: says, read: func(n *yamlx.Node, _ match.Limits) (any, error) {
		if v, is := textOf(n); is && v != "" {
			return v, nil
		}
		return nil, want(n, "a text that is not empty")
	}}
}

// texts is a parameter that is a list of texts, at least one and none of them empty; the value is a []string.
func texts(name string, def []string, says string) param {
	return param{name: name, kind: "list of texts", def: def, says: says, read: func(n *yamlx.Node, _ match.Limits) (any, error) {
		return listOf(n, "a list of texts", func(item *yamlx.Node) (string, error) {
			if text, is := textOf(item); is && text != "" {
				return text, nil
			}
			return "", want(item, "a text that is not empty")
		})
	}}
}

// orNone is p, a list, that may be empty as well.
func orNone(p param) param {
	some := p.read
	p.read = func(n *yamlx.Node, limits match.Limits) (any, error) {
		if n.Kind == yamlx.ListNode && len(n.Items) == 0 {
			return []string{}, nil
		}
		return some(n, limits)
	}
	return p
}

// choices is a parameter that is a list of some of the texts that it is where the rule does not give it, or of texts that
// also takes, which may be nil; each stands there once. The value is a []string.
func choices(name string, def []string, also func(text string) bool, says string) param {
	return param{name: name, kind: "list of choices", def: def, says: says, read: func(n *yamlx.Node, _ match.Limits) (any, error) {
		seen := map[string]bool{}
		return listOf(n, "a list of some of "+strings.Join(def, ", "), func(item *yamlx.Node) (string, error) {
			v, is := textOf(item)
			switch {
			case !is || !slices.Contains(def, v) && (also == nil || !also(v)):
				return "", want(item, "one of "+strings.Join(def, ", "))
			case seen[v]:
				return "", &yamlx.Error{Pos: item.Pos, Err: fmt.Errorf("%q is named twice", v)}
			}
			seen[v] = true
			return v, nil
		})
	}}
}

// patterns is a parameter that is a list of regular expressions, at least one; the value is a []string, and use.patterns
// gives them compiled.
func patterns(name string, def []string, says string) param {
	return param{name: name, kind: "list of regular expressions", def: def, says: says, read: func(n *yamlx.Node, limits match.Limits) (any, error) {
		return listOf(n, "a list of regular expressions", func(item *yamlx.Node) (string, error) {
			text, is := textOf(item)
			if !is {
				return "", want(item, "a regular expression")
			}
			e, err := match.ParseExpression(text)
			switch {
			case err != nil:
				return "", &yamlx.Error{Pos: item.Pos, Err: fmt.Errorf("bad regular expression: %w", err)}
			case e.MatchesEmpty():
				return "", &yamlx.Error{Pos: item.Pos, Err: fmt.Errorf("regular expression %q matches the empty text", text)}
			}
			if err := e.Check(limits.Regexp); err != nil {
				return "", &yamlx.Error{Pos: item.Pos, Err: err}
			}
			return text, nil
		})
	}}
}

// pairs is a parameter that is a list of pairs of texts, at least one; the value is a [][]string, two texts in each.
func pairs(name string, def [][]string, says string) param {
	return param{name: name, kind: "list of pairs of texts", def: def, says: says, read: func(n *yamlx.Node, _ match.Limits) (any, error) {
		return listOf(n, "a list of pairs of texts, such as [[root, toor]]", func(item *yamlx.Node) ([]string, error) {
			var pair []string
			for _, part := range item.Items {
				if text, is := textOf(part); is && item.Kind == yamlx.ListNode {
					pair = append(pair, text)
				}
			}
			if len(pair) != 2 || len(item.Items) != 2 {
				return nil, want(item, "a pair of texts, such as [root, toor]")
			}
			return pair, nil
		})
	}}
}

// listOf reads the items of a list that is not empty. The error joins those of all items.
func listOf[T any](n *yamlx.Node, what string, item func(n *yamlx.Node) (T, error)) (any, error) {
	if n.Kind != yamlx.ListNode || len(n.Items) == 0 {
		return nil, want(n, what)
	}
	out := make([]T, len(n.Items))
	var errs []error
	for i, node := range n.Items {
		var err error
		if out[i], err = item(node); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}

// textOf is the text of a scalar as it is written.
func textOf(n *yamlx.Node) (text string, is bool) {
	switch n.Kind {
	case yamlx.TextNode, yamlx.NumberNode, yamlx.BoolNode:
		return n.Text, true
	case yamlx.NullNode, yamlx.ListNode, yamlx.MapNode:
	}
	return "", false
}

func want(n *yamlx.Node, what string) error {
	found := n.Found()
	if n.Kind == yamlx.ListNode && len(n.Items) == 0 {
		found = "an empty list"
	}
	if n.Kind == yamlx.MapNode && len(n.Keys) == 0 {
		found = "an empty mapping"
	}
	return &yamlx.Error{Pos: n.Pos, Err: fmt.Errorf("want %s, got %s", what, found)}
}

// known lists parameters for people.
func known(params []param) string {
	if len(params) == 0 {
		return "it has none"
	}
	names := make([]string, len(params))
	for i, p := range params {
		names[i] = p.name
	}
	return "known here: " + strings.Join(names, ", ")
}
