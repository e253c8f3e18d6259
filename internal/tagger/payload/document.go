package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"ttpworker/internal/tagger"
)

const (
	// maxText bounds a text in the evidence, in bytes.
	maxText = 4096
	// maxValue bounds a list or an object in the evidence, in bytes of JSON: without it an attacker could blow a tag
	// up until its topic refuses it.
	maxValue = 4 * maxText
)

// A document is a decoded payload. Of two equal keys the last one counts.
type document map[string]any

func decode(data []byte) (document, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // evidence shows numbers as they were written
	var d document
	if err := dec.Decode(&d); err != nil {
		return nil, err
	}
	if d == nil {
		return nil, errors.New("null is no JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the JSON object")
	}
	return d, nil
}

// A Path is a dotted payload path, split once. It leads through mappings, and through lists to each of their
// elements; where it leads nowhere it is tried as one literal key that has dots in its name.
type Path struct {
	text  string
	steps []string
}

// Paths splits paths and sorts them.
func Paths(texts []string) []Path {
	out := make([]Path, len(texts))
	for i, t := range texts {
		out[i] = Path{text: t, steps: strings.Split(t, ".")}
	}
	slices.SortFunc(out, func(a, b Path) int { return strings.Compare(a.text, b.text) })
	return out
}

// lookup follows steps from v. Through a list it collects what its elements have there.
func lookup(v any, steps []string) (any, bool) {
	if len(steps) == 0 {
		return v, true
	}
	switch v := v.(type) {
	case map[string]any:
		next, ok := v[steps[0]]
		if !ok {
			return nil, false
		}
		return lookup(next, steps[1:])
	case []any:
		var all []any
		for _, element := range v {
			if found, ok := lookup(element, steps); ok {
				all = append(all, found)
			}
		}
		return all, len(all) > 0
	}
	return nil, false
}

// evidence renders the values at the paths and extra, as Payload.Evidence says.
func (d document) evidence(at []Path, extra map[string]any) []byte {
	out := make(map[string]any, len(at)+len(extra))
	for _, a := range at {
		if v, found := lookup(map[string]any(d), a.steps); found {
			out[a.text] = v
		} else if v, found := d[a.text]; found {
			out[a.text] = v
		}
	}
	maps.Copy(out, extra)
	var cut []string
	for key, v := range out {
		short, wasCut := shorten(v)
		if text, large := tooLarge(short); large {
			short, wasCut = text, true
		}
		if wasCut {
			cut = append(cut, key)
		}
		out[key] = short
	}
	if cut != nil {
		slices.Sort(cut)
		out[tagger.CutKey] = cut
	}
	return render(out)
}

// render is the JSON of what was JSON, without white space.
func render(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("payload: what was JSON can be JSON again: " + err.Error())
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// tooLarge returns the beginning of the JSON of a list, an object or a number that is over maxValue.
func tooLarge(v any) (text string, large bool) {
	if _, is := v.(string); is {
		return "", false // shorten has seen to it
	}
	all := render(v)
	if len(all) <= maxValue {
		return "", false
	}
	begin, _ := shorten(string(all))
	return begin.(string), true //nolint:forcetypeassert // a text gives a text
}

// shorten returns v with every text in it at most maxText bytes long.
func shorten(v any) (short any, cut bool) {
	switch v := v.(type) {
	case string:
		if len(v) <= maxText {
			return v, false
		}
		end := maxText
		for !utf8.RuneStart(v[end]) {
			end--
		}
		return v[:end], true
	case []string:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = element
		}
		return shorten(out)
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			var c bool
			out[i], c = shorten(element)
			cut = cut || c
		}
		return out, cut
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, element := range v {
			var c bool
			out[k], c = shorten(element)
			cut = cut || c
		}
		return out, cut
	}
	return v, false
}
