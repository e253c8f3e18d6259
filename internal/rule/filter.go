package rule

import (
	"cmp"
	"errors"
	"fmt"

	"ttpworker/internal/match"
	"ttpworker/internal/yamlx"
)

// anyRule is what a filter says instead of ids.
const anyRule = "any"

// A Filter is a Sigma global filter: a condition that rules get on top of their own.
type Filter struct {
	logsource logsource // of the rules it is for, or more general
	any       bool      // for all such rules
	names     []name    // else for these
	node      *yamlx.Node
	lists     map[string][]string // the shared lists that it uses
	limits    match.Limits
}

// A name is a rule that a filter names, by its id or its Sigma name.
type name struct {
	text string
	pos  yamlx.Pos
}

// filter reads a Sigma filter.
func (c *sigmaChecker) filter() *Rule {
	f := &c.file
	c.report.filter = true
	r := &Rule{ID: cmp.Or(f.ID, f.Title), Name: f.Title, idPos: c.doc.At("id")}
	switch {
	case r.ID == "":
		c.fault(errors.New("id and title are missing: one of them names the filter"), "id")
	case f.ID != "" && !IsID(f.ID):
		c.fault(fmt.Errorf("id %q: 1 to 128 of A-Z a-z 0-9 _ . -", f.ID), "id")
	}
	r.Filter = &Filter{logsource: c.logsource(f.Logsource), limits: c.parser.Limits}
	switch {
	case f.Filter == nil:
		c.fault(errors.New("filter is empty"), "filter")
		return r
	case f.Filter.Kind == yamlx.MapNode:
		c.filterRules(r.Filter, f.Filter.Get("rules"))
	}
	r.Filter.node = f.Filter.Without("rules")
	// Its rules may map fields in other ways; what is wrong with the condition is so in any of them.
	if _, w := c.compile(r.Filter.node, c.parser.Mapping.find(r.Filter.logsource).fields(), nil, c.parser.Limits); w != nil {
		r.Filter.lists = w.lists
	}
	return r
}

// filterRules reads which rules a filter is for.
func (c *sigmaChecker) filterRules(f *Filter, n *yamlx.Node) {
	if n == nil || n.Kind == yamlx.NullNode {
		c.fault(errors.New("rules is missing: a list of rule ids, or any"), "filter", "rules")
		return
	}
	items := []*yamlx.Node{n}
	if n.Kind == yamlx.ListNode {
		items = n.Items
	}
	if len(items) == 0 {
		c.fault(errors.New("rules is empty: a list of rule ids, or any"), "filter", "rules")
	}
	for _, item := range items {
		switch {
		case item.Kind != yamlx.TextNode && item.Kind != yamlx.NumberNode:
			c.add(&yamlx.Error{Pos: item.Pos, Err: fmt.Errorf("want a rule id, got %s", item.Found())})
		case len(items) == 1 && item.Text == anyRule:
			f.any = true
		default:
			f.names = append(f.names, name{item.Text, item.Pos})
		}
	}
}
