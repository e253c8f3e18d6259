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
	"testing"
)

// decodeNode reads a detection that is written as JSON. Names that are there twice stay two, as in a file that nobody
// has looked at. The text of a number is the one that is written.
func decodeNode(text []byte) (*Node, error) {
	d := &nodeDecoder{Decoder: json.NewDecoder(bytes.NewReader(text)), text: text}
	d.UseNumber()
	n, err := d.node()
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the JSON value")
	}
	return n, nil
}

type nodeDecoder struct {
	*json.Decoder

	text  []byte
	depth int
}

// next is the next token and where it begins.
func (d *nodeDecoder) next() (json.Token, Pos, error) {
	from := int(d.InputOffset())
	t, err := d.Token()
	for from < len(d.text) && strings.IndexByte(" \t\r\n,:", d.text[from]) >= 0 {
		from++
	}
	line := d.text[:from]
	return t, Pos{1 + bytes.Count(line, []byte("\n")), from - bytes.LastIndexByte(line, '\n')}, err
}

func (d *nodeDecoder) node() (*Node, error) {
	t, pos, err := d.next()
	if err != nil {
		return nil, err
	}
	if d.depth++; d.depth > 100 {
		return nil, errors.New("nests too deep")
	}
	defer func() { d.depth-- }()
	switch t := t.(type) {
	case json.Delim:
		n := &Node{Kind: List, Pos: pos}
		if t == '{' {
			n.Kind = Map
		}
		for d.More() {
			if n.Kind == Map {
				key, pos, err := d.next()
				if err != nil {
					return nil, err
				}
				n.Keys = append(n.Keys, &Node{Kind: Text, Pos: pos, Text: fmt.Sprint(key)})
			}
			item, err := d.node()
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, item)
		}
		_, err := d.Token()
		return n, err
	case string:
		return &Node{Kind: Text, Pos: pos, Text: t}, nil
	case json.Number:
		return &Node{Kind: Number, Pos: pos, Text: t.String()}, nil
	case bool:
		return &Node{Kind: Bool, Pos: pos, Text: strconv.FormatBool(t)}, nil
	default:
		return &Node{Kind: Null, Pos: pos}, nil
	}
}

// testLists are the lists of the placeholders in tests.
func testLists(name string) ([]string, bool) {
	lists := map[string][]string{
		"admins": {"root", "Administrator"}, "hosts": {"a", "b*", "c"}, "none": {},
		"dashes": {"-x", "/y"}, "networks": {"10.0.0.0/8", "fe80::/10"},
	}
	for i := range 100 {
		lists["many"] = append(lists["many"], fmt.Sprintf("v%d", i))
	}
	values, ok := lists[name]
	return values, ok
}

func testOptions() Options {
	return Options{
		Fields: map[string]string{"Renamed": "deep.path", "ToLiteral": "mapped"},
		Lists:  testLists,
		Limits: Limits{Regexp: 1000, Expansion: 200, Atoms: 500},
	}
}

// compileJSON compiles a detection that is written as JSON.
func compileJSON(t testing.TB, text string) *Detection {
	t.Helper()
	n, err := decodeNode([]byte(text))
	if err != nil {
		t.Fatalf("decoding %s: %v", text, err)
	}
	d, err := Compile(n, testOptions())
	if err != nil {
		t.Fatalf("Compile(%s) = %v", text, err)
	}
	return d
}

// itemJSON is a detection of one field and its values, which are what encoding/json makes of them.
func itemJSON(t testing.TB, key string, values any) string {
	t.Helper()
	return jsonOf(t, map[string]any{"sel": map[string]any{key: values}, "condition": "sel"})
}

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// indexOf holds detections under their places in the list.
func indexOf(ds ...*Detection) *Index {
	b := NewBuilder()
	for id, d := range ds {
		b.Put(int32(id), d)
	}
	return b.Index()
}

// reference asks every detection whether it matches the payload; nil ones do not.
func reference(ds []*Detection, payload []byte) ([]int32, error) {
	doc, err := ParseDocument(payload)
	if err != nil {
		return nil, err
	}
	var ids []int32
	for id, d := range ds {
		if d != nil && d.Match(doc) {
			ids = append(ids, int32(id))
		}
	}
	return ids, nil
}

// checkMatch asks the reference and an index of the detection alone.
func checkMatch(t *testing.T, d *Detection, payload string, want bool) {
	t.Helper()
	doc, err := ParseDocument([]byte(payload))
	if err != nil {
		t.Fatalf("ParseDocument(%s) = %v", payload, err)
	}
	if got := d.Match(doc); got != want {
		t.Errorf("Detection.Match(%s) = %t, want %t", payload, got, want)
	}
	ids, err := indexOf(d).Match([]byte(payload), NewScratch())
	if err != nil {
		t.Fatalf("Index.Match(%s) = %v", payload, err)
	}
	if got := len(ids) > 0; got != want {
		t.Errorf("Index.Match(%s) = %t, want %t", payload, got, want)
	}
}

// checkIndex asks the reference and an index about a payload: both refuse it, or both find the same.
func checkIndex(t rapidTB, x *Index, ds []*Detection, payload []byte, s *Scratch) {
	t.Helper()
	want, refErr := reference(ds, payload)
	got, err := x.Match(payload, s)
	if (err == nil) != (refErr == nil) {
		t.Fatalf("Index.Match(%q) = %v, but ParseDocument = %v", payload, err, refErr)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("Index.Match(%q) = %v, want %v", payload, got, want)
	}
}

// rapidTB is what *testing.T, *testing.F and *rapid.T have in common.
type rapidTB interface {
	Helper()
	Fatalf(format string, args ...any)
}
