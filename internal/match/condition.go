package match

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// conditions compiles a condition, or a list of them, of which one is enough.
func (c *compiler) conditions(n *Node) *expr {
	var kids []*expr
	switch n.Kind {
	case List:
		if len(n.Items) == 0 {
			c.fault(n, "condition is empty")
		}
		for _, item := range n.Items {
			kids = append(kids, c.arm(item.Pos, item.Text, c.condition(item)))
		}
	default:
		kids = append(kids, c.condition(n))
	}
	return join(exprOr, kids)
}

// condition compiles one condition:
//
//	or  = and { "or" and }
//	and = not { "and" not }
//	not = "not" not | "(" or ")" | ( "1" | "all" ) "of" ( "them" | pattern ) | selection
func (c *compiler) condition(n *Node) *expr {
	nothing := join(exprOr, nil)
	if n.Kind != Text && n.Kind != Number {
		c.fault(n, "condition: want a text, got a %s", n.Kind)
		return nothing
	}
	p := &conditionParser{compiler: c, at: n.Pos, tokens: tokenize(n.Text)}
	e, err := p.or(0)
	if err == nil && p.peek() != "" {
		err = p.unexpected()
	}
	if err != nil {
		c.fault(n, "condition: %w", err)
		return nothing
	}
	return e
}

// tokenize splits a condition into words, parentheses and pipes.
func tokenize(s string) []string {
	for _, sign := range []string{"(", ")", "|"} {
		s = strings.ReplaceAll(s, sign, " "+sign+" ")
	}
	return strings.Fields(s)
}

// maxParentheses bounds the depth of a condition.
const maxParentheses = 100

type conditionParser struct {
	*compiler

	at     Pos
	tokens []string
}

// peek is the next token; "" = the end.
func (p *conditionParser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

// take takes the next token if it is the keyword, whatever its case.
func (p *conditionParser) take(keyword string) bool {
	if !strings.EqualFold(p.peek(), keyword) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *conditionParser) unexpected() error {
	switch t := p.peek(); t {
	case "":
		return errors.New("ends where a selection should stand")
	case "|":
		return errors.New("aggregations (\"|\") are not supported: a rule sees one event")
	case "near":
		return errors.New("near is not supported: a rule sees one event")
	default:
		return fmt.Errorf("unexpected %q", t)
	}
}

func (p *conditionParser) or(depth int) (*expr, error) { return p.chain("or", exprOr, depth, p.and) }

func (p *conditionParser) and(depth int) (*expr, error) { return p.chain("and", exprAnd, depth, p.not) }

// chain parses what stands between equal operators.
func (p *conditionParser) chain(keyword string, o exprOp, depth int, operand func(int) (*expr, error)) (*expr, error) {
	var kids []*expr
	for {
		before := p.tokens
		e, err := operand(depth)
		if err != nil {
			return nil, err
		}
		text := strings.Join(before[:len(before)-len(p.tokens)], " ")
		more := p.take(keyword)
		if o == exprOr && (more || len(kids) > 0) {
			e = p.arm(p.at, text, e)
		}
		if kids = append(kids, e); !more {
			return join(o, kids), nil
		}
	}
}

func (p *conditionParser) not(depth int) (*expr, error) {
	if depth > maxParentheses {
		return nil, fmt.Errorf("nests more than %d deep", maxParentheses)
	}
	switch {
	case p.take("not"):
		e, err := p.not(depth + 1)
		if err != nil {
			return nil, err
		}
		return notExpr(e), nil
	case p.take("("):
		e, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.take(")") {
			if p.peek() == "" {
				return nil, errors.New("\")\" is missing")
			}
			return nil, p.unexpected()
		}
		return e, nil
	case len(p.tokens) > 1 && strings.EqualFold(p.tokens[1], "of"):
		return p.quantified()
	}
	name := p.peek()
	if _, ok := p.selections[name]; ok && name != "" {
		p.tokens = p.tokens[1:]
		return p.use(name)
	}
	if slices.Contains([]string{"", "|", "(", ")", "near", "and", "or", "of"}, strings.ToLower(name)) {
		return nil, p.unexpected()
	}
	return nil, fmt.Errorf("unknown selection %q; there is %s", name, strings.Join(p.names, ", "))
}

// maxUse bounds how often conditions may ask what the selections ask, in times limits.detection_size: each use of a
// selection is a copy of it.
const maxUse = 10

// use is the selection of a name in a condition.
func (c *compiler) use(name string) (*expr, error) {
	e := c.selections[name]
	if c.used += e.size(); c.used > maxUse*c.Limits.Atoms {
		return nil, fmt.Errorf("asks for more than %d values, again and again (%d times limits.detection_size)", maxUse*c.Limits.Atoms, maxUse)
	}
	return e, nil
}

// quantified parses "1 of x*", "all of them" and the like.
func (p *conditionParser) quantified() (*expr, error) {
	o := exprOr
	switch quantity := p.tokens[0]; {
	case quantity == "1":
	case strings.EqualFold(quantity, "all"):
		o = exprAnd
	default:
		return nil, fmt.Errorf("\"%s of\" is not supported: 1 of, or all of", quantity)
	}
	p.tokens = p.tokens[2:]
	pattern := p.peek()
	if pattern == "" || pattern == "(" || pattern == ")" || pattern == "|" {
		return nil, errors.New("\"of\" wants the name of a selection, a pattern of names, or them")
	}
	p.tokens = p.tokens[1:]
	var kids []*expr
	g := parseGlob(pattern)
	for _, name := range p.names {
		if them := strings.EqualFold(pattern, "them"); them && !strings.HasPrefix(name, "_") || !them && g.match([]byte(name)) {
			e, err := p.use(name)
			if err != nil {
				return nil, err
			}
			kids = append(kids, e)
		}
	}
	if len(kids) == 0 {
		return nil, fmt.Errorf("no selection is called %q; there is %s", pattern, strings.Join(p.names, ", "))
	}
	return join(o, kids), nil
}
