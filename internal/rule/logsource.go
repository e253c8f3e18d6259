package rule

import (
	"errors"
	"fmt"
	"strings"

	"ttpworker/internal/yamlx"
)

// A logsource is what a Sigma rule is about. Its other keys are for people.
type logsource struct {
	Category string `yaml:"category"`
	Product  string `yaml:"product"`
	Service  string `yaml:"service"`
}

// covers reports whether l is o or more general: every key that it names is the same there.
func (l logsource) covers(o logsource) bool {
	same := func(mine, other string) bool { return mine == "" || mine == other }
	return same(l.Category, o.Category) && same(l.Product, o.Product) && same(l.Service, o.Service)
}

// kind is the source kind of a logsource that the mapping has none for: its category, else product/service, or what
// there is of it.
func (l logsource) kind() string {
	if l.Category != "" {
		return l.Category
	}
	return strings.Trim(l.Product+"/"+l.Service, "/")
}

// logsource reads the logsource of a Sigma file, in which keys of any name may stand.
func (r *report) logsource(n *yamlx.Node) logsource {
	var l logsource
	if n == nil {
		r.fault(errors.New("logsource is missing: category, product, service"), "logsource")
		return l
	}
	if n.Kind != yamlx.MapNode {
		r.fault(fmt.Errorf("want a mapping, got %s", n.Found()), "logsource")
		return l
	}
	good := true
	for key, field := range map[string]*string{"category": &l.Category, "product": &l.Product, "service": &l.Service} {
		switch v := n.Get(key); {
		case v == nil || v.Kind == yamlx.NullNode:
		case v.Kind == yamlx.ListNode || v.Kind == yamlx.MapNode:
			good = false
			r.fault(fmt.Errorf("want a text, got %s", v.Found()), "logsource", key)
		default:
			*field = v.Text
		}
	}
	if good && l == (logsource{}) {
		r.fault(errors.New("logsource names none of category, product and service"), "logsource")
	}
	return l
}
