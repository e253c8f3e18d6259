package match

import "testing"

// A modifierCase is the values of one field f with modifiers, and texts that it matches or not.
type modifierCase struct {
	name    string
	key     string // modifiers behind f
	values  any
	yes, no []string // texts of f
}

func TestModifiers(t *testing.T) {
	for _, list := range [][]modifierCase{wildcardCases(), placeCases(), caseCases(), encodingCases(), expandCases(), regexpCases()} {
		for _, tt := range list {
			t.Run(tt.name, func(t *testing.T) {
				d := compileJSON(t, itemJSON(t, "f"+tt.key, tt.values))
				for _, text := range tt.yes {
					checkMatch(t, d, jsonOf(t, map[string]string{"f": text}), true)
				}
				for _, text := range tt.no {
					checkMatch(t, d, jsonOf(t, map[string]string{"f": text}), false)
				}
			})
		}
	}
}

func wildcardCases() []modifierCase {
	return []modifierCase{
		{name: "a plain value is the whole text", values: "abc", yes: []string{"abc", "ABC"}, no: []string{"abcd", "xabc", "ab", "", " abc"}},
		{name: "a star is any text", values: "a*c", yes: []string{"ac", "abc", "a\nb\x00c", "acc", "a*c"}, no: []string{"ab", "bc", "acb", "c", "a"}},
		{name: "a star alone is any value", values: "*", yes: []string{"", "x", "\u00e4"}},
		{name: "stars one behind the other are one", values: "a***c", yes: []string{"ac", "abbc"}, no: []string{"a", "acb"}},
		{name: "a star at the end", values: "ab*", yes: []string{"ab", "abc"}, no: []string{"a", "xab"}},
		{name: "a star at the beginning", values: "*ab", yes: []string{"ab", "cab"}, no: []string{"b", "abx"}},
		{name: "parts between stars do not overlap", values: "ab*ba", yes: []string{"abba", "abxba"}, no: []string{"aba", "ab", "ba"}},
		{name: "parts between stars stand in order", values: "*ab*bc*cd*", yes: []string{"abbccd", "xab bc cdx"}, no: []string{"abcd", "cdbcab", "abbcd"}},
		{name: "the last part is bound to the end", values: "a*b*b", yes: []string{"abb", "axbxbxb"}, no: []string{"ab", "abbx"}},
		{name: "a question mark is one character", values: "a?c", yes: []string{"abc", "a?c", "a\u00e4c", "a\U0001f600c", "a\nc"}, no: []string{"ac", "abbc", "xabc", "abcx"}},
		{name: "question marks count characters", values: "??", yes: []string{"ab", "\u00e4\U0001f600"}, no: []string{"", "a", "abc", "\u00e4"}},
		{name: "question marks and stars", values: "?*?", yes: []string{"ab", "abc", "\u00e4\u00f6"}, no: []string{"", "a", "\u00e4"}},
		{name: "a question mark between stars", values: "a*?b", yes: []string{"axb", "axxb", "abb"}, no: []string{"ab"}},
		{name: "question marks in a part in the midst", values: "*a?c?e*", yes: []string{"abcde", "xaacaex", "a?c?a.c.e"}, no: []string{"abce", "abcd"}},
		{name: "question marks at the end behind a star", values: "*ab??", yes: []string{"abcd", "abab\u00e4x"}, no: []string{"ab", "abc", "abcde"}},
		{name: "an escaped star is a star", values: `a\*c`, yes: []string{"a*c"}, no: []string{"abc", `a\*c`, "ac"}},
		{name: "an escaped question mark is a question mark", values: `a\?c`, yes: []string{"a?c"}, no: []string{"abc", `a\?c`}},
		{name: "two backslashes are one", values: `a\\b`, yes: []string{`a\b`}, no: []string{`a\\b`, "ab"}},
		{name: "a backslash in front of anything else is itself", values: `a\b\"\n`, yes: []string{`a\b\"\n`, `A\B\"\N`}, no: []string{`ab"n`, "a\\b\\\"\n"}},
		{name: "a backslash at the end is itself", values: `a\`, yes: []string{`a\`}, no: []string{"a", `a\\`}},
		{name: "two backslashes in front of a star", values: `a\\*`, yes: []string{`a\`, `a\b`}, no: []string{"a", "a*", "ab"}},
		{name: "three backslashes in front of a star", values: `a\\\*`, yes: []string{`a\*`}, no: []string{`a\b`, "a*", `a\\*`}},
		{name: "four backslashes in front of a star", values: `a\\\\*`, yes: []string{`a\\`, `a\\b`}, no: []string{`a\`, `a\\\`[:2]}},
		{name: "a path of two machines", values: `\\\\host\c$\*`, yes: []string{`\\host\c$*`}, no: []string{`\\host\c$\x`, `\host\c$*`}},
		{name: "a star behind a letter behind a backslash", values: `C:\Windows\*.exe`, yes: []string{`C:\Windows*.exe`}, no: []string{`C:\Windows\a.exe`}},
		{name: "a star behind two backslashes in a path", values: `C:\Windows\\*.exe`, yes: []string{`c:\windows\a.EXE`, `C:\Windows\.exe`}, no: []string{`C:\Windowsa.exe`}},
		{name: "escapes before a modifier", key: "|contains", values: `\*\\`, yes: []string{`x*\y`}, no: []string{`x*y`, `x\*\y`[:3]}},
		{name: "characters outside of the first plane", values: "\U0001f600*\U0001f601", yes: []string{"\U0001f600\U0001f601"}, no: []string{"\U0001f600"}},
	}
}

func placeCases() []modifierCase {
	long := "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789"
	cases := []modifierCase{
		{name: "contains", key: "|contains", values: "abc", yes: []string{"abc", "xabcx", "ababc", "XABC"}, no: []string{"", "ab", "abxc"}},
		{name: "contains of one character", key: "|contains", values: "~", yes: []string{"~", "a~b", "~~"}, no: []string{"", "a"}},
		{name: "contains of two characters", key: "|contains", values: "ab", yes: []string{"ab", "xab", "aab"}, no: []string{"a", "ba", "a b"}},
		{name: "contains of one character of two bytes", key: "|contains", values: "\u00e4", yes: []string{"x\u00c4"}, no: []string{"a", "\u00e5"}},
		{name: "contains of nothing", key: "|contains", values: "", yes: []string{"", "a"}},
		{name: "contains with wildcards", key: "|contains", values: "a*b?d", yes: []string{"xabcdx", "a b.d"}, no: []string{"abd", "bcda"}},
		{name: "contains of a star", key: "|contains", values: "*", yes: []string{"", "a"}},
		{name: "contains with stars at both ends", key: "|contains", values: "*abc*", yes: []string{"xabcx", "abc"}, no: []string{"ab"}},
		{name: "contains of all", key: "|contains|all", values: []string{"ab", "cd"}, yes: []string{"abcd", "cd ab"}, no: []string{"ab", "abc", "abd"}},
		{name: "all before contains", key: "|all|contains", values: []string{"ab", "cd"}, yes: []string{"abcd"}, no: []string{"ab"}},
		{name: "startswith", key: "|startswith", values: "abc", yes: []string{"abc", "ABCD"}, no: []string{"", "ab", "xabc"}},
		{name: "startswith of one character", key: "|startswith", values: "a", yes: []string{"a", "Ab"}, no: []string{"", "ba"}},
		{name: "startswith of nothing", key: "|startswith", values: "", yes: []string{"", "a"}},
		{name: "startswith with a question mark", key: "|startswith", values: "a?c", yes: []string{"abc", "abcd"}, no: []string{"ac", "xabc"}},
		{name: "endswith", key: "|endswith", values: "abc", yes: []string{"abc", "xABC"}, no: []string{"", "bc", "abcx"}},
		{name: "endswith of one character", key: "|endswith", values: "a", yes: []string{"a", "bA"}, no: []string{"", "ab"}},
		{name: "endswith of nothing", key: "|endswith", values: "", yes: []string{"", "a"}},
		{name: "endswith of a backslash and a name", key: "|endswith", values: `\cmd.exe`, yes: []string{`C:\CMD.EXE`, `\cmd.exe`}, no: []string{"cmd.exe", `\cmd.exe `}},
		{name: "startswith and endswith", key: "|startswith|endswith", values: "ab", yes: []string{"ab", "xabx"}, no: []string{"a"}},
	}
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 62, 63, 64, 65} {
		text, name := long[:n], " of a text of each length around the classes of the index, "+long[:n]
		cases = append(
			cases,
			modifierCase{name: "exact" + name, values: text, yes: []string{text}, no: []string{text + "x", "x" + text, text[1:], text[:n-1], text[:n-1] + "~"}},
			modifierCase{name: "contains" + name, key: "|contains", values: text, yes: []string{text, "~" + text + "~", "~~~~~" + text, text + "~~~~~"}, no: []string{text[1:], text[:n-1] + "~"}},
			modifierCase{name: "startswith" + name, key: "|startswith", values: text, yes: []string{text, text + "~"}, no: []string{text[1:], "~" + text, text[:n-1] + "~"}},
			modifierCase{name: "endswith" + name, key: "|endswith", values: text, yes: []string{text, "~" + text}, no: []string{text[:n-1], text + "~", "~" + text[1:]}},
		)
	}
	return cases
}

func caseCases() []modifierCase {
	return []modifierCase{
		{name: "letters of any alphabet have no case", values: "\u00e4\u03c3\u0436\u0133", yes: []string{"\u00c4\u03a3\u0416\u0132", "\u00e4\u03c2\u0436\u0133"}, no: []string{"a\u03c3\u0436\u0133"}},
		{name: "the Kelvin sign is a k and the long s an s", values: "\u212aas\u017fe", yes: []string{"kasse", "KASSE", "\u212aa\u017fse"}, no: []string{"case"}},
		{name: "an ASCII value matches letters that fold to ASCII", key: "|contains", values: "task", yes: []string{"ta\u017f\u212a", "xTA\u017fKx"}, no: []string{"tak"}},
		{name: "folding is simple: one character for one", values: "stra\u00dfe", yes: []string{"STRA\u1e9eE"}, no: []string{"strasse", "STRASSE"}},
		{name: "the dotless and the dotted i are no i", values: "i", yes: []string{"I"}, no: []string{"\u0131", "\u0130"}},
		{name: "letters that grow or shrink when folded", key: "|endswith", values: "\u023a\u2c66x", yes: []string{"\u2c65\u023eX", "\u023a\u2c65\u023ex"}, no: []string{"a\u2c66x"}},
		{name: "letters with accents of their own are other texts", values: "\u00e9", yes: []string{"\u00c9"}, no: []string{"e\u0301", "e"}},
		{name: "cased sees case", key: "|cased", values: "aB", yes: []string{"aB"}, no: []string{"ab", "AB", "Ab", "aBc", "xaB"}},
		{name: "cased of contains", key: "|contains|cased", values: "aB", yes: []string{"xaBx", "abaB"}, no: []string{"ab", "xABx"}},
		{name: "cased of startswith", key: "|cased|startswith", values: "aB", yes: []string{"aBc"}, no: []string{"abc", "xaB"}},
		{name: "cased of endswith", key: "|cased|endswith", values: "aB", yes: []string{"xaB"}, no: []string{"xab", "aBx"}},
		{name: "cased with wildcards", key: "|cased", values: "a*B?", yes: []string{"aBx", "axxB\u00e4"}, no: []string{"ABx", "abx", "aB"}},
		{name: "cased of letters that fold to ASCII", key: "|cased", values: "k", yes: []string{"k"}, no: []string{"\u212a", "K"}},
		{name: "cased of all", key: "|contains|all|cased", values: []string{"a", "B"}, yes: []string{"aB", "xByaz"}, no: []string{"ab", "AB"}},
		{name: "cased with neq", key: "|cased|neq", values: "aB", yes: []string{"ab", ""}, no: []string{"aB"}},
		{name: "the replacement character is a character", key: "|contains", values: "\ufffd", yes: []string{"a\ufffdb"}, no: []string{"ab"}},
	}
}
