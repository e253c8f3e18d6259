package derive

import (
	"bytes"
	"sync"

	"ttpworker/internal/match"
	"ttpworker/internal/webtext"
)

// A request decodes the parts of one HTTP request. It is used again for the next.
type request struct {
	dst     []byte // what is derived
	raw     []byte // a part as the sensor has it, without JSON's escapes
	decoded []byte
	other   []byte // another reading of decoded
	name    []byte // of a header
	scratch *match.Scratch
	headers []match.Member
	args    arguments
}

var requests = sync.Pool{New: func() any { return &request{scratch: match.NewScratch()} }}

// httpRequest derives the member "decoded": an object with url, path, query, body and headers, as far as the payload
// has raw_url, body, headers and user_agent, and with the names and values of arguments. Each but headers is a list of
// the readings of a text or of several, headers an object with such a list for each header.
func httpRequest(dst []byte, members []match.Member) []byte {
	r := requests.Get().(*request) //nolint:forcetypeassert // New makes nothing else
	defer requests.Put(r)
	begin := len(dst)
	dst = append(dst, `,"decoded":{`...)
	r.dst = dst
	r.args.reset()
	r.url(members)
	kind := r.header(last(members, "headers"), last(members, "user_agent"))
	r.body(last(members, "body"), kind)
	r.arguments()
	empty := len(r.dst) == len(dst)
	dst, r.dst = r.dst, nil
	if empty {
		return dst[:begin]
	}
	return append(dst, '}')
}

// url writes url, path and query. Only in the query + is a blank.
func (r *request) url(members []match.Member) {
	var ok bool
	if r.raw, ok = text(r.raw[:0], members, "raw_url"); !ok {
		return
	}
	path, query, asked := bytes.Cut(r.raw, []byte("?"))
	r.decoded = webtext.Decode(r.decoded[:0], path, webtext.Other)
	end := len(r.decoded)
	if asked {
		r.decoded = webtext.Decode(append(r.decoded, '?'), query, webtext.Form)
	}
	r.begin("url")
	r.readings(r.decoded)
	r.end()
	r.begin("path")
	r.readings(withoutOrigin(r.decoded[:end]))
	r.end()
	if asked {
		r.begin("query")
		r.readings(r.decoded[end+1:])
		r.end()
		r.args.pairs(query, '&', webtext.Form)
	}
}

// withoutOrigin is the path of a URL that may have a scheme and a host.
func withoutOrigin(url []byte) []byte {
	scheme, rest, ok := bytes.Cut(url, []byte("://"))
	if !ok || bytes.IndexByte(scheme, '/') >= 0 {
		return url
	}
	if i := bytes.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return nil
}

// A media says what kind of text a body is.
type media uint8

const (
	unsaid media = iota // there is no Content-Type
	urlencoded
	another
)

// header writes the texts of each header under its name in small letters, the user agent like a header, and returns what
// Content-Type says. Texts of headers that are no object have the name "".
func (r *request) header(headers, agent []byte) media {
	says := unsaid
	r.headers = r.headers[:0]
	if isText(agent) {
		r.headers = append(r.headers, match.Member{Name: []byte("User-Agent"), Value: agent})
	}
	if len(headers) > 0 && headers[0] == '{' {
		r.headers, _ = r.scratch.AppendMembers(r.headers, headers) // a part of what is right is right
	} else if len(headers) > 0 {
		r.headers = append(r.headers, match.Member{Value: headers})
	}
	if len(r.headers) == 0 {
		return says
	}
	r.key("headers")
	r.dst = append(r.dst, '{')
	for i := range r.headers {
		h := &r.headers[i]
		r.name = match.AppendText(r.name[:0], h.Name)
		lower(r.name)
		if i > 0 && string(r.name) == "user-agent" && bytes.Equal(h.Value, agent) {
			continue
		}
		r.begin(string(r.name))
		eachString(h.Value, func(raw []byte, isName bool) {
			if isName {
				return
			}
			r.raw = match.AppendText(r.raw[:0], raw)
			r.decoded = webtext.Decode(r.decoded[:0], r.raw, webtext.Other)
			r.readings(r.decoded)
			switch string(r.name) {
			case "content-type":
				if says = another; bytes.Contains(bytes.ToLower(r.decoded), []byte("urlencoded")) {
					says = urlencoded
				}
			case "cookie":
				r.args.pairs(r.raw, ';', webtext.Other)
			}
		})
		r.end()
	}
	r.dst = append(r.dst, '}')
	return says
}

// lower makes ASCII letters small.
func lower(text []byte) {
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			text[i] = c | 0x20
		}
	}
}

// body writes body. A body that a sensor has parsed is its JSON.
func (r *request) body(body []byte, says media) {
	if len(body) == 0 {
		return
	}
	switch body[0] {
	case '{', '[':
		r.raw = append(r.raw[:0], body...)
	case '"':
		r.raw = match.AppendText(r.raw[:0], body[1:len(body)-1])
	default:
		return
	}
	source := webtext.Other
	start := bytes.TrimLeft(r.raw, " \t\r\n")
	xml, multipart := bytes.HasPrefix(start, []byte("<")), bytes.HasPrefix(start, []byte("--"))
	switch {
	case bytes.HasPrefix(start, []byte("{")) || bytes.HasPrefix(start, []byte("[")):
		source = webtext.JSON
		r.args.json(start)
	case says == urlencoded, says == unsaid && !xml && !multipart:
		source = webtext.Form
		r.args.pairs(r.raw, '&', source)
	case xml:
		r.args.xml(start)
	case multipart:
		r.args.multipart(start)
	default:
		r.args.value(r.raw, source)
	}
	r.begin("body")
	r.decoded = webtext.Decode(r.decoded[:0], r.raw, source)
	r.readings(r.decoded)
	r.end()
}

// arguments writes names and values. What is Base64 of a text is followed by that one.
func (r *request) arguments() {
	for _, list := range []struct {
		key string
		at  [][2]int
	}{{"names", r.args.names}, {"values", r.args.values}} {
		if len(list.at) == 0 {
			continue
		}
		r.begin(list.key)
		for _, at := range list.at {
			text := r.args.buf[at[0]:at[1]]
			r.readings(text)
			var ok bool
			if r.raw, ok = webtext.Base64(r.raw[:0], text); ok {
				r.decoded = webtext.Decode(r.decoded[:0], r.raw, webtext.Other)
				r.readings(r.decoded)
			}
		}
		r.end()
	}
}

// readings writes a decoded text, and its plain and its shell reading if they are others.
func (r *request) readings(decoded []byte) {
	has := traitsOf(decoded)
	r.text(decoded, has)
	if has&forPlain != 0 || has&blank != 0 && bytes.Contains(decoded, []byte("  ")) {
		if r.other = webtext.Plain(r.other[:0], decoded); !bytes.Equal(r.other, decoded) {
			r.text(r.other, escaped)
		}
	}
	if has&forShell != 0 {
		if r.other = webtext.Shell(r.other[:0], decoded); !bytes.Equal(r.other, decoded) {
			r.text(r.other, escaped)
		}
	}
}

// begin opens a list of texts under a name, end closes it.
func (r *request) begin(name string) {
	r.key(name)
	r.dst = append(r.dst, '[')
}

func (r *request) end() { r.dst = append(r.dst, ']') }

// key writes a name and its colon, and a comma before it if it is not the first one.
func (r *request) key(name string) {
	r.comma()
	r.dst = append(appendString(r.dst, []byte(name)), ':')
}

// text writes a text of a list, which has the traits has.
func (r *request) text(text []byte, has traits) {
	r.comma()
	if has&escaped == 0 {
		r.dst = append(append(append(r.dst, '"'), text...), '"')
		return
	}
	r.dst = appendString(r.dst, text)
}

func (r *request) comma() {
	if c := r.dst[len(r.dst)-1]; c != '{' && c != '[' {
		r.dst = append(r.dst, ',')
	}
}
