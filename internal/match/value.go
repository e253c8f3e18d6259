package match

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A scalar is a kind of JSON value that has no values below it.
type scalar uint8

const (
	textValue scalar = iota
	numberValue
	boolValue
	nullValue
)

// A value is one scalar of a payload.
type value struct {
	kind   scalar
	str    stringKind // of a text in a payload
	from   int32      // where the text or word begins and ends in the payload, without quotes
	to     int32
	text   []byte // without escapes; a number in canonical form; nil = not made yet, or empty
	folded []byte // Fold of text; nil = not made yet, or empty
}

// canonicalNumber is the text that a JSON number matches by: a whole number as it is written, anything else as the
// shortest decimal of the same double, whole ones without point and exponent. So 1.50, 1.5 and 15e-1 are one.
func canonicalNumber(s string) string {
	whole := true
	for i := range len(s) {
		if c := s[i]; c < '0' || c > '9' {
			whole = whole && i == 0 && c == '-'
		}
	}
	if whole && s != "-0" {
		return s
	}
	return string(appendCanonical(nil, s))
}

// appendCanonical appends canonicalNumber of a number that has a point or an exponent, or is -0.
func appendCanonical(dst []byte, s string) []byte {
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.IsInf(f, 0):
		return append(dst, s...)
	case f == 0:
		return append(dst, '0')
	case f == math.Trunc(f) && math.Abs(f) < 1e21:
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	default:
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	}
}

// number reads a number, or a text that is one. Texts that only ParseFloat knows (infinities, NaN, hexadecimal) are
// none.
func (v *value) number() (float64, bool) {
	if v.kind != textValue && v.kind != numberValue {
		return 0, false
	}
	s := strings.TrimSpace(view(v.text))
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// addr reads an IP address; one of IPv4 in IPv6 counts as IPv4, and a zone does not count.
func (v *value) addr() (netip.Addr, bool) {
	if v.kind != textValue {
		return netip.Addr{}, false
	}
	s := strings.TrimSpace(view(v.text))
	if at := strings.IndexAny(s[:min(len(s), 5)], ".:"); at < 0 || at == 0 && s[0] == '.' { // most texts: an error costs memory
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	return a.WithZone("").Unmap(), err == nil
}

// timeLayouts are the forms of a time that its parts are read from, the most usual first. What stands behind the
// seconds (fractions, a zone) is passed over: the parts are those that are written, and no zone is converted.
var timeLayouts = [...]string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", dateLayout}

// dateLayout is a form of its own, not the beginning of another one.
const dateLayout = "2006-01-02"

// clock reads a time.
func (v *value) clock() (time.Time, bool) {
	if v.kind != textValue {
		return time.Time{}, false
	}
	s := strings.TrimSpace(view(v.text))
	for _, layout := range timeLayouts {
		if len(s) < len(layout) || s[4] != '-' || layout == dateLayout && len(s) > len(layout) { // an error costs memory
			continue
		}
		if t, err := time.Parse(layout, s[:len(layout)]); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
