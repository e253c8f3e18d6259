package match

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A Document is a decoded payload, as the reference evaluates it: slow, simple, and sharing no code with the scan that
// an Index does.
type Document struct{ root *element }

// An element is a JSON value.
type element struct {
	value *value     // of a scalar
	names []string   // of an object; nil for an array
	below []*element // of an object or array, in the order of the payload, equal names included
}

// ParseDocument decodes a payload. It wants one JSON object and nothing behind it, which nests at most maxDepth deep.
func ParseDocument(payload []byte) (*Document, error) {
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.UseNumber()
	t, err := dec.Token()
	if err != nil {
		return nil, jsonError(err)
	}
	if t != json.Delim('{') {
		return nil, errNotObject
	}
	root, err := parseElement(dec, t, 0)
	switch {
	case errors.Is(err, errDepth):
		return nil, err
	case err != nil:
		return nil, jsonError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the JSON object")
	}
	return &Document{root}, nil
}

var errNotObject = errors.New("payload is no JSON object")

func jsonError(err error) error { return fmt.Errorf("invalid JSON: %w", err) }

// parseElement decodes what begins with t, below depth objects and arrays.
func parseElement(dec *json.Decoder, t json.Token, depth int) (*element, error) {
	switch t := t.(type) {
	case json.Delim:
		if depth > maxDepth {
			return nil, errDepth
		}
		e := &element{}
		for dec.More() {
			next, err := dec.Token()
			if err != nil {
				return nil, err
			}
			if t == '{' {
				name, _ := next.(string)
				e.names = append(e.names, name)
				if next, err = dec.Token(); err != nil {
					return nil, err
				}
			}
			below, err := parseElement(dec, next, depth+1)
			if err != nil {
				return nil, err
			}
			e.below = append(e.below, below)
		}
		if t == '{' && e.names == nil {
			e.names = []string{}
		}
		_, err := dec.Token() // the end
		return e, err
	case string:
		return scalarElement(textValue, t), nil
	case json.Number:
		return scalarElement(numberValue, canonicalNumber(t.String())), nil
	case bool:
		return scalarElement(boolValue, strconv.FormatBool(t)), nil
	default:
		return scalarElement(nullValue, ""), nil
	}
}

func scalarElement(kind scalar, text string) *element {
	return &element{value: &value{kind: kind, text: []byte(text), folded: []byte(Fold(text))}}
}

// member returns the last member of this name.
func (e *element) member(name string) *element {
	for i, n := range slices.Backward(e.names) {
		if n == name {
			return e.below[i]
		}
	}
	return nil
}

// lookup appends what is at the end of the path: from an array, what its elements have there.
func (e *element) lookup(steps []string, dst []*element) []*element {
	switch {
	case len(steps) == 0:
		return append(dst, e)
	case e.names != nil:
		if next := e.member(steps[0]); next != nil {
			return next.lookup(steps[1:], dst)
		}
	case e.value == nil:
		for _, b := range e.below {
			dst = b.lookup(steps, dst)
		}
	}
	return dst
}

// scalars appends every scalar at or below e.
func (e *element) scalars(dst []*value) []*value {
	if e.value != nil {
		return append(dst, e.value)
	}
	for _, b := range e.below {
		dst = b.scalars(dst)
	}
	return dst
}

// field returns the values of a field, and whether it is there at all.
func (d *Document) field(field string) (values []*value, present bool) {
	if field == keywordField {
		return d.root.scalars(nil), true
	}
	found := d.root.lookup(strings.Split(field, "."), nil)
	if len(found) == 0 {
		if literal := d.root.member(field); literal != nil {
			found = append(found, literal)
		}
	}
	for _, e := range found {
		values = e.scalars(values)
	}
	return values, len(found) > 0
}

// Match is the reference: it reports whether the detection matches the payload.
func (d *Detection) Match(doc *Document) bool { return d.holds(0, doc) }

// holds evaluates the node at i.
func (d *Detection) holds(i int32, doc *Document) bool {
	n := &d.code[i]
	switch n.op {
	case exprAtom:
		return d.atoms[n.atom].in(doc)
	case exprNot:
		return !d.holds(i+1, doc)
	default:
		for k := i + 1; k < n.end; k = d.code[k].end {
			if d.holds(k, doc) == (n.op == exprOr) {
				return n.op == exprOr
			}
		}
		return n.op == exprAnd
	}
}

// in asks the atom about a document.
func (a *atom) in(doc *Document) bool {
	values, present := doc.field(a.field)
	switch a.op {
	case opPresent:
		return present
	case opFieldRef:
		others, _ := doc.field(a.other)
		for _, v := range values[:min(len(values), maxCompared)] {
			for _, o := range others[:min(len(others), maxCompared)] {
				if a.refHolds(v, o) {
					return true
				}
			}
		}
		return false
	default: // asked of each value
	}
	for _, v := range values {
		switch a.op {
		case opNull:
			if v.kind == nullValue {
				return true
			}
		default:
			if a.plainly(v) {
				return true
			}
		}
	}
	return false
}
