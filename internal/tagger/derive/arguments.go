package derive

import (
	"bytes"

	"ttpworker/internal/webtext"
)

// Arguments are what a request hands to an application: names and values, each decoded for itself. A text stands between
// two offsets of buf.
type arguments struct {
	buf           []byte
	names, values [][2]int
}

func (a *arguments) reset() {
	a.buf, a.names, a.values = a.buf[:0], a.names[:0], a.values[:0]
}

func (a *arguments) name(raw []byte, source webtext.Source) { a.names = a.add(a.names, raw, source) }

func (a *arguments) value(raw []byte, source webtext.Source) { a.values = a.add(a.values, raw, source) }

func (a *arguments) add(to [][2]int, raw []byte, source webtext.Source) [][2]int {
	if len(raw) == 0 {
		return to
	}
	from := len(a.buf)
	a.buf = webtext.Decode(a.buf, raw, source)
	return append(to, [2]int{from, len(a.buf)})
}

// pairs reads name=value between separators. What has no = is a value.
func (a *arguments) pairs(raw []byte, separator byte, source webtext.Source) {
	for len(raw) > 0 {
		pair := raw
		if i := bytes.IndexByte(raw, separator); i >= 0 {
			pair, raw = raw[:i], raw[i+1:]
		} else {
			raw = nil
		}
		if separator == ';' { // of cookies, which have a blank behind it
			pair = bytes.TrimLeft(pair, " ")
		}
		if name, value, ok := bytes.Cut(pair, []byte("=")); ok {
			a.name(name, source)
			a.value(value, source)
		} else {
			a.value(pair, source)
		}
	}
}

// json reads the texts of a JSON document, also of one that is cut off.
func (a *arguments) json(raw []byte) {
	eachString(raw, func(text []byte, isName bool) {
		if isName {
			a.name(text, webtext.JSON)
		} else {
			a.value(text, webtext.JSON)
		}
	})
}

// xml reads the texts between tags, and the quoted values in them.
func (a *arguments) xml(raw []byte) {
	for len(raw) > 0 {
		text, rest, _ := bytes.Cut(raw, []byte("<"))
		a.value(bytes.TrimSpace(text), webtext.Other)
		raw = rest
		if data, ok := bytes.CutPrefix(raw, []byte("![CDATA[")); ok {
			text, raw, _ = bytes.Cut(data, []byte("]]>"))
			a.value(text, webtext.Other)
			continue
		}
		raw = a.tag(raw)
	}
}

// tag reads one tag and returns what stands behind its >.
func (a *arguments) tag(raw []byte) []byte {
	for {
		i := bytes.IndexAny(raw, `"'>`)
		if i < 0 {
			return nil
		}
		quote := raw[i]
		raw = raw[i+1:]
		if quote == '>' {
			return raw
		}
		if i = bytes.IndexByte(raw, quote); i < 0 {
			i = len(raw)
		}
		a.value(raw[:i], webtext.Other)
		raw = raw[min(i+1, len(raw)):]
	}
}

// multipart reads the parts of a form that are apart by its first line, and the names in their headers.
func (a *arguments) multipart(raw []byte) {
	boundary, rest, _ := bytes.Cut(raw, []byte("\n"))
	boundary = bytes.TrimSpace(boundary)
	for part := range bytes.SplitSeq(rest, boundary) {
		head, content, ok := bytes.Cut(part, []byte("\r\n\r\n"))
		if !ok {
			head, content, _ = bytes.Cut(part, []byte("\n\n"))
		}
		for parameter := range bytes.SplitSeq(head, []byte(";")) {
			name, value, _ := bytes.Cut(bytes.TrimSpace(parameter), []byte("="))
			value, _, _ = bytes.Cut(value, []byte("\n"))
			switch value = bytes.Trim(value, "\"\r"); string(name) {
			case "name":
				a.name(value, webtext.Other)
			case "filename", "filename*":
				a.value(value, webtext.Other)
			}
		}
		a.value(bytes.TrimRight(content, "\r\n"), webtext.Other)
	}
}
