package match

// A Member is a name and its value at the top of a payload, as they are written.
type Member struct {
	Name  []byte // between its quotes; with Plain, the name itself
	Value []byte // JSON, without white space around it
	Plain bool   // the name has neither escapes nor bytes over 7F
}

// AppendMembers appends the members of the JSON object at the top of a payload, in their order, equal names included.
// They alias the payload, which Match must have read without an error: it is not checked again.
func (s *Scratch) AppendMembers(dst []Member, payload []byte) ([]Member, error) {
	s.reset(&s.none, 0, payload)
	if s.none.nodes == nil {
		s.none = newTree()
	}
	i := s.space(0)
	if i == len(payload) || payload[i] != '{' {
		return dst, errNotObject
	}
	for i = s.space(i + 1); i < len(payload) && payload[i] == '"'; {
		end, kind, err := s.stringEnd(i + 1)
		if err != nil {
			return dst, err
		}
		m := Member{Name: payload[i+1 : end], Plain: kind == plainASCII}
		if i = s.space(end + 1); i == len(payload) || payload[i] != ':' {
			return dst, s.fault(i)
		}
		from := s.space(i + 1)
		if i, err = s.value(from, noNode, 0); err != nil {
			return dst, err
		}
		m.Value = payload[from:i]
		dst = append(dst, m)
		if i = s.space(i); i < len(payload) && payload[i] == ',' {
			i = s.space(i + 1)
		}
	}
	return dst, nil
}

// AppendText appends the text of a JSON string, given between its quotes: without escapes, and valid UTF-8.
func AppendText(dst, raw []byte) []byte { return appendUnquoted(dst, raw) }
