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

// JSON is any YAML value as JSON text: keys sorted, numbers as written where JSON can write them so, dates as texts.
type JSON []byte

// Decode stores the document in the struct or map[string]T that v points to. Keys are those of the yaml tags; a
// key that no field has, a key given twice and a value of the wrong type are faults. It reports all of them, each
// an *Error, in file order, joined; fields without a fault are set all the same. A null value leaves its field as
// it is, unless that is JSON.
func (d *Doc) Decode(v any) error {
	var dec decoder
	dec.value(d.root, reflect.ValueOf(v).Elem())
	return errors.Join(dec.errs...)
}

// DecodeKnown is Decode for a format that lets people add keys of their own to the document's mapping: those that no
// field of the struct has are passed over. Below, all is as strict as ever.
func (d *Doc) DecodeKnown(v any) error {
	dec := decoder{open: d.root}
	dec.value(d.root, reflect.ValueOf(v).Elem())
	return errors.Join(dec.errs...)
}

type decoder struct {
	errs []error
	open *yaml.Node // the mapping whose unknown keys are passed over, if any
}

func (d *decoder) fault(n *yaml.Node, format string, args ...any) {
	d.errs = append(d.errs, errorAt(pos(n), format, args...))
}

var (
	stringsType  = reflect.TypeFor[Strings]()
	jsonType     = reflect.TypeFor[JSON]()
	nodeType     = reflect.TypeFor[*Node]()
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
)

func (d *decoder) value(n *yaml.Node, v reflect.Value) {
	n = resolve(n)
	switch t := v.Type(); {
	case t == jsonType:
		if data, ok := d.json(n); ok {
			v.SetBytes(data)
		}
	case isNull(n):
	case t == nodeType:
		v.Set(reflect.ValueOf(d.node(n)))
	case t == stringsType && n.Kind == yaml.ScalarNode:
		v.Set(reflect.ValueOf(Strings{n.Value}))
	case t == secretType:
		d.secret(n, v)
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

func (d *decoder) secret(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.fault(n, "want a text, got %s", kindOf(n))
		return
	}
	v.Set(reflect.ValueOf(NewSecret(n.Value)))
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fault(n, "want a mapping, got %s", kindOf(n))
		return
	}
	fields := fieldsOf(v.Type())
	d.entries(n, "field", func(key string, keyNode, val *yaml.Node) {
		index, known := fields[key]
		switch {
		case known:
			d.value(val, v.FieldByIndex(index))
		case n != d.open:
			d.fault(keyNode, "unknown field %s; known here: %s", quote(key), strings.Join(knownFields(v.Type()), ", "))
		}
	})
}

// entries calls entry for each key of a mapping. A key that is no text and one that was there before are faults,
// and skipped.
func (d *decoder) entries(n *yaml.Node, what string, entry func(key string, keyNode, val *yaml.Node)) {
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		at, key := n.Content[i], resolve(n.Content[i])
		line, twice := seen[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.fault(at, "want a text as %s, got %s", what, kindOf(key))
		case twice:
			d.fault(at, "%s %s is given twice, first in line %d", what, quote(key.Value), line)
		default:
			seen[key.Value] = pos(at).Line
			entry(key.Value, at, n.Content[i+1])
		}
	}
}

// table decodes a mapping whose keys are free texts.
func (d *decoder) table(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fault(n, "want a mapping, got %s", kindOf(n))
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	d.entries(n, "key", func(key string, _, val *yaml.Node) {
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(val, value)
		out.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), value)
	})
	v.Set(out)
}

func (d *decoder) sequence(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		want := "a list"
		if v.Type() == stringsType {
			want = "a text or a list of texts"
		}
		d.fault(n, "want %s, got %s", want, kindOf(n))
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
	want, set := "a text", func() bool { v.SetString(n.Value); return true }
	decode := func() bool { return n.Decode(v.Addr().Interface()) == nil }
	tag := n.ShortTag() // asked for, as yaml.v3 turns 1.9 into the integer 1 and yes into true
	switch {
	case v.Type() == durationType:
		want, set = "a duration such as 250ms", func() bool {
			t, err := time.ParseDuration(n.Value)
			if err == nil {
				v.SetInt(int64(t))
			}
			return err == nil
		}
	case v.Kind() == reflect.Bool:
		want, set = "true or false", func() bool { return tag == "!!bool" && decode() }
	case v.CanInt():
		want, set = "a whole number", func() bool { return tag == "!!int" && decode() }
		if tag == "!!int" {
			want = fmt.Sprintf("a whole number of at most %d bits", v.Type().Bits())
		}
	case v.CanFloat():
		want, set = "a number", func() bool { return (tag == "!!int" || tag == "!!float") && decode() }
	}
	if n.Kind != yaml.ScalarNode || !set() {
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
	default:
		return quote(n.Value)
	}
}

// quote shows a text from the file, of a long one the beginning.
func quote(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		text = string(runes[:40]) + "..."
	}
	return fmt.Sprintf("%q", text)
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
