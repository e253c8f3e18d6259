package explain

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"ttpworker/internal/tagger/lift"
)

// inCode finds what stands between ` in what a lifter says of itself: fields, parameters and values.
var inCode = regexp.MustCompile("`([^`]+)`")

// lifterOf says what a lifter looks for, and of the fields that it names what the payload has.
func lifterOf(l *lift.Lift, payload []byte) (*Lifter, error) {
	out := &Lifter{Name: l.Name, FiresWhen: l.Fires(), Parameters: l.Parameters, Fields: []Field{}}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil {
		return nil, fmt.Errorf("reading the payload: %w", err)
	}
	var seen []string
	for _, found := range inCode.FindAllStringSubmatch(out.FiresWhen, -1) {
		name := found[1]
		value, there := members[name]
		if !there || slices.Contains(seen, name) {
			continue
		}
		seen = append(seen, name)
		out.Fields = append(out.Fields, Field{Field: name, Present: true, Values: []Value{window(jsonValue(name, value))}})
	}
	return out, nil
}

// jsonValue is a text without quotes, and anything else as it is written.
func jsonValue(path string, raw json.RawMessage) Value {
	v := Value{Path: path, Type: "json", Text: string(raw)}
	switch raw[0] {
	case '"':
		v.Type = "text"
		if err := json.Unmarshal(raw, &v.Text); err != nil {
			v.Text = string(raw)
		}
	case 't', 'f':
		v.Type = "boolean"
	case 'n':
		v.Type = "null"
	case '{', '[':
	default:
		v.Type = "number"
	}
	v.Bytes = len(v.Text)
	return v
}
