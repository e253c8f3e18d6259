package yamlx

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Strings is a list of texts that may be written as one text.
type Strings []string

// JSON is any YAML value as JSON text: keys sorted, numbers as written where JSON can write them so.
type JSON []byte

// Decode stores the document in the struct or map[string]T that v points to. Keys are those of the yaml tags; a key that no field
// has, a key given twice and a value of the wrong type are faults. It reports all of them, each an *Error, in
// file order, joined; fields without a fault are set all the same. A null value leaves its field as it is.
func (d *Doc) Decode(v any) error {
	var dec decoder
	dec.value(d.root, reflect.ValueOf(v).Elem())
	return errors.Join(dec.errs...)
}

type decoder struct{ errs []error }

func (d *decoder) fault(n *yaml.Node, format string, args ...any) {
	d.errs = append(d.errs, errorAt(pos(n), format, args...))
}

var (
	stringsType  = reflect.TypeFor[Strings]()
	jsonType     = reflect.TypeFor[JSON]()
	durationType = reflect.TypeFor[time.Duration]()
)

func (d *decoder) value(n *yaml.Node, v reflect.Value) {
	n = resolve(n)
	switch t := v.Type(); {
	case t == jsonType:
		if data, ok := d.json(n); ok {
			v.SetBytes(data)
		}
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
	case t == stringsType && n.Kind == yaml.ScalarNode:
		v.Set(reflect.ValueOf(Strings{n.Value}))
	case t.Kind() == reflect.Pointer:
		p := reflect.New(t.Elem())
		d.value(n, p.Elem())
		v.Set(p)
	case t.Kind() == reflect.Struct:
		d.mapping(n, v)
	case t.Kind() == reflect.Slice:
		d.sequence(n, v)
	case t.Kind() == reflect.Map:
		d.table(n, v)
	default:
		d.scalar(n, v)
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fault(n, "want a mapping, got %s", kindOf(n))
		return
	}
	fields := fieldsOf(v.Type())
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if line, twice := seen[key.Value]; twice {
			d.fault(key, "field %q is given twice, first in line %d", key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		index, known := fields[key.Value]
		if !known {
			d.fault(key, "unknown field %q; known here: %s", key.Value, strings.Join(knownFields(v.Type()), ", "))
			continue
		}
		d.value(val, v.FieldByIndex(index))
	}
}

// table decodes a mapping whose keys are free texts.
func (d *decoder) table(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fault(n, "want a mapping, got %s", kindOf(n))
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := reflect.ValueOf(n.Content[i].Value)
		if out.MapIndex(key).IsValid() {
			d.fault(n.Content[i], "key %q is given twice", n.Content[i].Value)
			continue
		}
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(n.Content[i+1], value)
		out.SetMapIndex(key, value)
	}
	v.Set(out)
}

func (d *decoder) sequence(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.fault(n, "want a list, got %s", kindOf(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.value(c, out.Index(i))
	}
	v.Set(out)
}

// scalar sets texts, numbers, truth values and durations. A text takes any scalar as it is written.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value) {
	want := "a text"
	switch k := v.Kind(); {
	case v.Type() == durationType:
		want = "a duration such as 250ms"
	case k == reflect.Bool:
		want = "true or false"
	case v.CanInt():
		want = "a whole number"
	case v.CanFloat():
		want = "a number"
	case k == reflect.String && n.Kind == yaml.ScalarNode:
		v.SetString(n.Value)
		return
	}
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	if n.Kind != yaml.ScalarNode || quoted && v.Type() != durationType || n.Decode(v.Addr().Interface()) != nil {
		d.fault(n, "want %s, got %s", want, kindOf(n))
	}
}

// kindOf says what a node is, the way a person who wrote it would.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	text := []rune(n.Value)
	if len(text) > 40 {
		text = append(text[:40], []rune("...")...)
	}
	return fmt.Sprintf("%q", string(text))
}

// fieldsOf maps the yaml keys of a struct to fields; "-" and fields without a tag are left out, the fields of an
// embedded struct tagged ",inline" count as its own.
func fieldsOf(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for i := range t.NumField() {
		key, flags, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		switch {
		case flags == "inline":
			for inner, index := range fieldsOf(t.Field(i).Type) {
				fields[inner] = append([]int{i}, index...)
			}
		case key != "" && key != "-":
			fields[key] = []int{i}
		}
	}
	return fields
}

func knownFields(t reflect.Type) []string { return slices.Sorted(maps.Keys(fieldsOf(t))) }
