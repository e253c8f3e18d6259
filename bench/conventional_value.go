package main

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// compileField compiles the values of a field: any of them must match, or all with that modifier.
func compileField(field string, modifiers []string, values []*yaml.Node) (test, error) {
	var tests []test
	for _, v := range values {
		t, err := compileValue(field, modifiers, v)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	if slices.Contains(modifiers, "all") {
		return allOf(tests), nil
	}
	return anyOf(tests), nil
}

// compileValue compiles one value. No field means any value of the payload, in which the text is contained.
func compileValue(field string, modifiers []string, v *yaml.Node) (test, error) {
	if v.ShortTag() == "!!null" {
		return func(d *document) bool {
			values := d.values[field]
			return len(values) == 0 || slices.ContainsFunc(values, func(v value) bool { return v.null })
		}, nil
	}
	at := ""
	if field == "" {
		at = "contains"
	}
	texts := []string{v.Value}
	for _, m := range modifiers {
		switch m {
		case "contains", "startswith", "endswith":
			at = m
		case "windash":
			texts = dashes(texts[0])
		case "base64offset":
			texts = base64Offsets(texts[0])
		case "i":
			texts[0] = "(?i)" + texts[0]
		case "re", "cidr", "fieldref":
			at = m
		case "all":
		default:
			return nil, fmt.Errorf("unknown modifier %q", m)
		}
	}
	var tests []test
	for _, text := range texts {
		one, err := compileText(text, at)
		if err != nil {
			return nil, err
		}
		tests = append(tests, onValues(field, one))
	}
	return anyOf(tests), nil
}

// onValues tests the values of a field, or all.
func onValues(field string, one func(value, *document) bool) test {
	return func(d *document) bool {
		values := d.all
		if field != "" {
			values = d.values[field]
		}
		for _, v := range values {
			if !v.null && one(v, d) {
				return true
			}
		}
		return false
	}
}

// compileText compiles the comparison of a text with one value.
func compileText(text, at string) (func(value, *document) bool, error) {
	switch at {
	case "re":
		re, err := regexp.Compile(text)
		return func(v value, _ *document) bool { return re.MatchString(v.text) }, err
	case "cidr":
		prefix, err := netip.ParsePrefix(text)
		return func(v value, _ *document) bool {
			a, err := netip.ParseAddr(v.text)
			return err == nil && prefix.Contains(a.Unmap())
		}, err
	case "fieldref":
		return func(v value, d *document) bool {
			return slices.ContainsFunc(d.values[text], func(o value) bool { return o.folded == v.folded })
		}, nil
	}
	literal, wild := unescape(text)
	if wild {
		re, err := regexp.Compile(glob(text, at))
		return func(v value, _ *document) bool { return re.MatchString(v.text) }, err
	}
	literal = strings.ToLower(literal)
	switch at {
	case "contains":
		return func(v value, _ *document) bool { return strings.Contains(v.folded, literal) }, nil
	case "startswith":
		return func(v value, _ *document) bool { return strings.HasPrefix(v.folded, literal) }, nil
	case "endswith":
		return func(v value, _ *document) bool { return strings.HasSuffix(v.folded, literal) }, nil
	default:
		return func(v value, _ *document) bool { return v.folded == literal }, nil
	}
}

// unescape takes the backslashes before wildcards and backslashes away, and reports whether a wildcard is left.
func unescape(text string) (literal string, wild bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`*?\`, text[i+1]) >= 0:
			i++
			b.WriteByte(text[i])
		default:
			wild = wild || c == '*' || c == '?'
			b.WriteByte(c)
		}
	}
	return b.String(), wild
}

// glob is the regular expression of a text with wildcards.
func glob(text, at string) string {
	var b strings.Builder
	b.WriteString("(?is)")
	if at == "" || at == "startswith" {
		b.WriteByte('^')
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`*?\`, text[i+1]) >= 0:
			i++
			b.WriteString(regexp.QuoteMeta(text[i : i+1]))
		case c == '*':
			b.WriteString(".*")
		case c == '?':
			b.WriteByte('.')
		case c >= 0x80: // QuoteMeta would take a byte for a character
			b.WriteByte(c)
		default:
			b.WriteString(regexp.QuoteMeta(text[i : i+1]))
		}
	}
	if at == "" || at == "endswith" {
		b.WriteByte('$')
	}
	return b.String()
}

// dashes are a text with what people and shells write in place of the dash of an option.
func dashes(text string) []string {
	out := []string{text}
	for _, d := range []string{"-", "/", "\u2013", "\u2014", "\u2015"} {
		out = append(out, windash.ReplaceAllString(text, "${1}"+d+"${2}"))
	}
	return out
}

var windash = regexp.MustCompile(`(^|[^\w])[-/\x{2013}\x{2014}\x{2015}](\w)`)

// base64Offsets are what a text is in base64 wherever it begins in the encoded bytes.
func base64Offsets(text string) []string {
	var out []string
	for offset, cut := range []int{0, 2, 3} {
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", offset) + text))
		end := len(encoded)
		switch (len(text) + offset) % 3 {
		case 1:
			end -= 3
		case 2:
			end -= 2
		}
		out = append(out, encoded[cut:end])
	}
	return out
}
