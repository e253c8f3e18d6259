package main

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// conditionParser parses conditions by recursive descent: or binds less than and, and less than not.
type conditionParser struct {
	names      []string // of the selections, in the order of the file
	selections map[string]test
	tokens     []string
}

var token = regexp.MustCompile(`[()]|[^\s()]+`)

func (p *conditionParser) parse(condition string) (test, error) {
	p.tokens = token.FindAllString(condition, -1)
	t, err := p.or()
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("condition goes on with %q", p.tokens[0])
	}
	return t, err
}

func (p *conditionParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return strings.ToLower(p.tokens[0])
}

func (p *conditionParser) or() (test, error) {
	return p.chain("or", p.and, anyOf)
}

func (p *conditionParser) and() (test, error) {
	return p.chain("and", p.operand, allOf)
}

func (p *conditionParser) chain(word string, part func() (test, error), join func([]test) test) (test, error) {
	var tests []test
	for {
		t, err := part()
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
		if p.next() != word {
			return join(tests), nil
		}
		p.tokens = p.tokens[1:]
	}
}

func (p *conditionParser) operand() (test, error) {
	word := p.next()
	if word == "" {
		return nil, errors.New("condition ends too early")
	}
	name := p.tokens[0]
	p.tokens = p.tokens[1:]
	switch word {
	case "not":
		t, err := p.operand()
		if err != nil {
			return nil, err
		}
		return func(d *document) bool { return !t(d) }, nil
	case "(":
		t, err := p.or()
		if err == nil && p.next() != ")" {
			err = errors.New("condition lacks a parenthesis")
		}
		if err != nil {
			return nil, err
		}
		p.tokens = p.tokens[1:]
		return t, nil
	case "1", "any", "all":
		if p.next() == "of" && len(p.tokens) > 1 {
			pattern := p.tokens[1]
			p.tokens = p.tokens[2:]
			return p.of(pattern, word == "all")
		}
	}
	t, ok := p.selections[name]
	if !ok {
		return nil, fmt.Errorf("condition names %q, which is no selection", name)
	}
	return t, nil
}

func (p *conditionParser) of(pattern string, all bool) (test, error) {
	var tests []test
	for _, name := range p.names {
		if ok, _ := path.Match(pattern, name); ok || pattern == "them" {
			tests = append(tests, p.selections[name])
		}
	}
	if len(tests) == 0 {
		return nil, fmt.Errorf("condition asks for %q, and no selection is called so", pattern)
	}
	if all {
		return allOf(tests), nil
	}
	return anyOf(tests), nil
}
