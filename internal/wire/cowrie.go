package wire

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // see attackerOf
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"ttpworker/internal/tagger"
)

// attackers is the namespace of the UUIDs that stand for addresses of attackers, made up for this purpose. What is
// written under it is for ever: another one would make every attacker somebody else.
var attackers = uuid.MustParse("d48a6a87-f887-45a3-b531-333e0691ae8a")

// cowrie reads an event of the honeypot cowrie. It is an error if it is no JSON object, or without eventid and
// timestamp; else it gives an event or a SkipError, whatever other members are missing or of another type.
func (d *Decoder) cowrie(value []byte) (tagger.TaggerEvent, int, error) {
	text, repairs, err := d.check("the event", object{text: value}, d.limits)
	if err != nil {
		if fault, ok := errors.AsType[*Error](err); ok && fault.Class == NotObject { // it has no other payload than itself
			fault.Class = Undecodable
		}
		return tagger.TaggerEvent{}, 0, err
	}
	s := d.take()
	defer d.put(s)
	m, err := s.honeypot(text, d.honeypot)
	if err != nil {
		return tagger.TaggerEvent{}, 0, err
	}
	id, timestamp := m.text("eventid"), m.text("timestamp")
	if m.err == nil && id == "" {
		m.fail(BadField, "eventid is empty")
	}
	at := m.cowrieTime(timestamp)
	if m.err != nil {
		return tagger.TaggerEvent{}, 0, m.err
	}
	kind, ok := d.honeypot.events[id]
	switch {
	case !ok:
		return tagger.TaggerEvent{}, 0, SkipError{SkipUnknown}
	case kind.skip != "":
		return tagger.TaggerEvent{}, 0, SkipError{kind.skip}
	}
	payload, ok := m.cowriePayload(kind, len(text))
	if !ok {
		return tagger.TaggerEvent{}, 0, SkipError{SkipEmpty}
	}
	ev := tagger.TaggerEvent{
		SourceKind:   kind.kind,
		AttackerUUID: attackerOf(m.lenient(cowrieAddress)),
		SessionID:    m.lenient(cowrieSession),
		DeckyID:      cmp.Or(m.lenient(cowrieSensor), m.lenient(cowrieInstance)),
		EventTime:    at,
		Payload:      payload,
	}
	ev.SourceID, err = s.contentID(text)
	return ev, repairs, err
}

// honeypot reads the members of an event of cowrie that has passed check. It leaves the pairs of all its members in s, or none
// if a name is not plain: those of cowrie are.
func (s *scratch) honeypot(text []byte, r *cowrieReader) (*members, error) {
	s.pairs = appendPairs(s.pairs[:0], text)
	m := members{fields: r.fields, values: slices.Grow(s.json.values[:0], len(r.fields))[:len(r.fields)]}
	clear(m.values)
	for _, p := range s.pairs {
		if !p.plain() {
			s.pairs = s.pairs[:0]
			return s.split(text, r.fields, Limits{Depth: maxDepth})
		}
		if i, ok := r.index[string(p.name[1:len(p.name)-1])]; ok {
			m.values[i] = p.value
		}
	}
	s.json = m
	slices.SortFunc(s.pairs, pair.compare)
	for i := 1; i < len(s.pairs); i++ {
		if s.pairs[i].compare(s.pairs[i-1]) == 0 {
			return nil, faultf(BadField, "%.100s is given twice", s.pairs[i].name)
		}
	}
	return &s.json, nil
}

// contentID names an event of cowrie by its content: the SHA-256 of its canonical form (RFC 8785), in hexadecimal digits.
// So neither the order of members nor white space nor escapes make a difference. s holds what honeypot has left.
func (s *scratch) contentID(text []byte) (string, error) {
	var err error
	if len(s.pairs) > 0 {
		s.canonical, err = appendCanonicalObject(s.canonical[:0], s.pairs)
	} else {
		s.canonical, err = appendCanonicalByLibrary(s.canonical[:0], text)
	}
	if err != nil {
		return "", &Error{Undecodable, err}
	}
	sum := sha256.Sum256(s.canonical)
	var digits [2 * len(sum)]byte
	hex.Encode(digits[:], sum[:])
	return string(digits[:]), nil
}

// attackerOf is the UUIDv5 of an address as RFC 5952 writes it, without its zone; of an IPv4 address that is mapped
// into IPv6 it is that of the IPv4 address. A text that is no address, such as a pseudonym, is taken as it is; "" gives "".
func attackerOf(address string) string {
	if address == "" {
		return ""
	}
	name := append(make([]byte, 0, 64), attackers[:]...)
	if addr, err := netip.ParseAddr(address); err == nil {
		name = addr.Unmap().WithZone("").AppendTo(name)
	} else {
		name = append(name, address...)
	}
	sum := sha1.Sum(name) //nolint:gosec // UUIDv5 is defined over it (RFC 9562, 5.5); nothing secret depends on it
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x50 // version 5
	id[8] = id[8]&0x3f | 0x80 // the variant of RFC 9562
	return id.String()
}

// lenient is the text of a field; "" if it is missing or of another type. The record is valid Unicode.
func (m *members) lenient(field int) string {
	v := m.values[field]
	if v.Kind() != '"' {
		return ""
	}
	return m.unquote("", "", v)
}

// cowriePayload makes the payload of an event from an event of cowrie of about size bytes. It reports false if nothing is
// there that the event is read for.
func (m *members) cowriePayload(ev *cowrieEvent, size int) ([]byte, bool) {
	b, content := make([]byte, 1, size), ev.result != ""
	b[0] = '{'
	for _, member := range ev.members {
		v := m.values[member.field]
		if member.field == cowrieProtocol && v == nil {
			v = m.oldProtocol()
		}
		if k := v.Kind(); v == nil || k == 'n' {
			continue
		}
		content = content || member.content && len(v) > len(`""`)
		b = append(append(append(b, member.name...), v...), ',')
	}
	if ev.result != "" {
		b = append(append(append(b, `"result":"`...), ev.result...), `",`...)
	}
	b[len(b)-1] = '}' // every event has an eventid, so this is a comma
	return b, content
}

// oldProtocol is the protocol of a session, as a JSON text, by what releases until 2018 say: the part of the program that
// wrote the event. nil if that says nothing.
func (m *members) oldProtocol() jsontext.Value {
	switch system := m.lenient(cowrieSystem); {
	case strings.Contains(system, "Telnet"):
		return jsontext.Value(`"telnet"`)
	case strings.Contains(system, "SSH"):
		return jsontext.Value(`"ssh"`)
	}
	return nil
}

// cowrieTime reads the timestamp: of RFC 3339, or as cowrie writes it outside UTC, with an offset without colon. One
// without any is in UTC.
func (m *members) cowrieTime(text string) time.Time {
	if m.err != nil {
		return time.Time{}
	}
	const whole = len("2006-01-02T15:04:05")
	written := text
	if len(text) >= whole {
		switch zone := strings.TrimLeft(text[whole:], ".0123456789"); {
		case zone == "":
			text += "Z"
		case len(zone) == len("+hhmm"):
			text = text[:len(text)-2] + ":" + text[len(text)-2:]
		}
	}
	t, err := parseTime(text)
	if err != nil {
		m.fail(BadField, "timestamp: %.40q is not a time such as 2026-01-31T12:00:00.123456Z", written)
	}
	return t
}
