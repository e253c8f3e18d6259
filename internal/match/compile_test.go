package match

import (
	"errors"
	"strings"
	"testing"
)

func TestWhatIsNoDetectionIsRefused(t *testing.T) {
	item := func(key, value string) string { return `{"s": {"` + key + `": ` + value + `}, "condition": "s"}` }
	cond := func(condition string) string {
		return `{"s": {"a": 1}, "x1": {"b": 1}, "condition": ` + condition + `}`
	}
	for _, tt := range []struct {
		name, detection string
		want            string // the faults, one per line
	}{
		{name: "no mapping", detection: `["a"]`, want: "1:1: a detection is a mapping of selections and a condition"},
		{name: "no condition", detection: "\n {\"s\": {\"a\": 1}}", want: "2:2: condition is missing"},
		{name: "no selection", detection: `{"condition": "s"}`, want: "1:1: a detection needs a selection beside its condition"},
		{name: "timeframe", detection: `{"s": {"a": 1}, "timeframe": "5m", "condition": "s"}`, want: "1:17: timeframe belongs to correlations, which are not supported: a rule sees one event"},
		{name: "selection of nothing", detection: `{"s": null, "condition": "s"}`, want: `1:2: selection "s" is empty`},
		{name: "selection without fields", detection: `{"s": {}, "condition": "s"}`, want: "1:7: mapping is empty"},
		{name: "selection without items", detection: `{"s": [], "condition": "s"}`, want: `1:7: selection "s" is empty`},
		{name: "list in a list of keywords", detection: `{"s": ["a", ["b"], null], "condition": "s"}`, want: "1:13: selection \"s\": want a mapping or a keyword, got a list\n1:20: selection \"s\": want a mapping or a keyword, got a null"},
		{name: "empty mapping in a list", detection: `{"s": [{"a": 1}, {}], "condition": "s"}`, want: "1:18: mapping is empty"},
		{name: "no value", detection: item("a", `[]`), want: `1:13: "a": list of values is empty`},
		{name: "list as a value", detection: item("a", `[1, [2]]`), want: "1:17: want a value, got a list"},
		{name: "mapping as a value", detection: item("a", `{"b": 1}`), want: "1:13: want a value, got a mapping"},

		{name: "unknown modifier", detection: item("a|contain", `1`), want: `1:8: "a|contain": unknown modifier "contain"`},
		{name: "modifier that sees case", detection: item("a|Contains", `1`), want: `1:8: "a|Contains": unknown modifier "Contains"`},
		{name: "no modifier behind a pipe", detection: item("a|", `1`), want: `1:8: "a|": modifier is missing behind "|"`},
		{name: "no modifier between pipes", detection: item("a||contains", `1`), want: `1:8: "a||contains": modifier is missing behind "|"`},
		{name: "modifier twice", detection: item("a|contains|all|contains", `1`), want: `1:8: "a|contains|all|contains": modifier "contains" is given twice`},
		{name: "flag without re", detection: item("a|i", `"x"`), want: `1:8: "a|i": modifier "i" goes behind re only`},
		{name: "flag in front of re", detection: item("a|i|re", `"x"`), want: `1:8: "a|i|re": modifier "i" goes behind re only`},
		{name: "two types", detection: item("a|re|cidr", `"x"`), want: `1:8: "a|re|cidr": modifiers "re" and "cidr" do not go together`},
		{name: "two comparisons", detection: item("a|lt|gt", `1`), want: `1:8: "a|lt|gt": modifiers "lt" and "gt" do not go together`},
		{name: "two parts of a time", detection: item("a|hour|day", `1`), want: `1:8: "a|hour|day": modifiers "hour" and "day" do not go together`},
		{name: "contains of an expression", detection: item("a|re|contains", `"x"`), want: `1:8: "a|re|contains": modifiers "re" and "contains" do not go together`},
		{name: "contains of a comparison", detection: item("a|contains|lt", `1`), want: `1:8: "a|contains|lt": modifiers "lt" and "contains" do not go together`},
		{name: "windash of fieldref", detection: item("a|fieldref|windash", `"b"`), want: `1:8: "a|fieldref|windash": modifiers "fieldref" and "windash" do not go together`},
		{name: "contains and startswith of fieldref", detection: item("a|fieldref|contains|startswith", `"b"`), want: `1:8: "a|fieldref|contains|startswith": modifiers "fieldref" and "contains" do not go together`},
		{name: "contains of an hour", detection: item("a|hour|contains", `1`), want: `1:8: "a|hour|contains": modifiers "hour" and "contains" do not go together`},
		{name: "expression of an hour", detection: item("a|hour|re", `1`), want: `1:8: "a|hour|re": modifiers "hour" and "re" do not go together`},
		{name: "cased expression", detection: item("a|re|cased", `"x"`), want: `1:8: "a|re|cased": modifiers "re" and "cased" do not go together`},
		{name: "cased hour", detection: item("a|hour|cased", `1`), want: `1:8: "a|hour|cased": modifiers "hour" and "cased" do not go together`},
		{name: "expand of exists", detection: item("a|exists|expand", `true`), want: `1:8: "a|exists|expand": modifiers "exists" and "expand" do not go together`},
		{name: "cidr of keywords", detection: item("|cidr", `"10.0.0.0/8"`), want: `1:8: "|cidr": modifier "cidr" needs a field`},
		{name: "hour of keywords", detection: item("|hour", `1`), want: `1:8: "|hour": modifier "hour" needs a field`},
		{name: "field with a dot at the end", detection: item("a.", `1`), want: `1:8: "a.": field "a." is no dotted path`},
		{name: "field with two dots", detection: item("a..b|contains", `1`), want: `1:8: "a..b|contains": field "a..b" is no dotted path`},

		{name: "null with contains", detection: item("a|contains", `null`), want: "1:22: null goes with a field without modifiers that change values"},
		{name: "null with exists", detection: item("a|exists", `null`), want: "1:20: null goes with a field without modifiers that change values"},
		{name: "null as a keyword", detection: item("", `null`), want: "1:12: null goes with a field without modifiers that change values"},
		{name: "comparison with a text", detection: item("a|lt", `"x"`), want: `1:16: lt: want a number, got "x"`},
		{name: "comparison with a truth value", detection: item("a|gte", `true`), want: `1:17: gte: want a number, got "true"`},
		{name: "comparison with an infinity", detection: item("a|gt", `"Inf"`), want: `1:16: gt: want a number, got "Inf"`},
		{name: "comparison with too large a number", detection: item("a|gt", `1e999`), want: `1:16: gt: want a number, got "1e999"`},
		{name: "hour that is a text", detection: item("a|hour", `"noon"`), want: `1:18: hour: want a number, got "noon"`},
		{name: "exists of a text", detection: item("a|exists", `"yes"`), want: `1:20: exists wants true or false, got "yes"`},
		{name: "exists of a number", detection: item("a|exists", `1`), want: `1:20: exists wants true or false, got "1"`},
		{name: "network without length", detection: item("a|cidr", `"10.0.0.1"`), want: `1:18: cidr wants a network such as 10.0.0.0/8 or fe80::/10, got "10.0.0.1"`},
		{name: "network that is too long", detection: item("a|cidr", `"10.0.0.0/33"`), want: `1:18: cidr wants a network such as 10.0.0.0/8 or fe80::/10, got "10.0.0.0/33"`},
		{name: "network with a star", detection: item("a|cidr", `"10.*"`), want: `1:18: cidr wants a network such as 10.0.0.0/8 or fe80::/10, got "10.*"`},
		{name: "fieldref to nothing", detection: item("a|fieldref", `""`), want: `1:22: fieldref wants a field, got ""`},
		{name: "fieldref to no path", detection: item("a|fieldref", `".b"`), want: `1:22: fieldref wants a field, got ".b"`},
		{name: "base64 with a star", detection: item("a|base64", `"x*"`), want: "1:20: base64 of a value with wildcards: encode first, then contains, startswith or endswith"},
		{name: "base64 behind contains", detection: item("a|contains|base64", `"x"`), want: "1:29: base64 of a value with wildcards: encode first, then contains, startswith or endswith"},
		{name: "base64offset with a question mark", detection: item("a|base64offset|contains", `"x?"`), want: "1:35: base64offset of a value with wildcards: encode first, then contains, startswith or endswith"},
		{name: "base64offset of nothing", detection: item("a|base64offset|contains", `""`), want: `1:35: base64offset|contains leaves nothing of "": it is too short`},
		{name: "expression with a look-ahead", detection: item("a|re", `"a(?!b)"`), want: "1:16: bad regular expression (RE2, which has no look-around and no back-references): error parsing regexp: invalid or unsupported Perl syntax: `(?!`"},
		{name: "expression that is too large", detection: item("a|re", `"a{900}b{900}"`), want: "1:16: regular expression has 1802 instructions, more than the limit of 1000 (limits.regexp_size)"},
		{name: "unknown list", detection: item("a|expand", `"%nobody%"`), want: `1:20: unknown list "nobody": no list of that name is given for the placeholder`},
		{name: "lists that make too many", detection: item("a|expand", `"%many%%many%"`), want: "1:20: expand makes more than 200 values of this one (limits.expansion)"},
		{name: "dashes that make too many", detection: item("a|windash", `"-a -b -c -d"`), want: "1:21: windash makes more than 200 values of this one (limits.expansion)"},
		{name: "too many values", detection: item("a|windash", `["-a -b -1", "/a /b /2", "-a -b -3", "-a -b -4", "-a -b -5", "-a -b -6"]`), want: "1:70: detection has more than 500 values (limits.detection_size)"},

		{name: "lists and dashes that make too many values", detection: item("a|expand|windash", `"%many% -a -b -c"`), want: "1:28: detection has more than 500 values (limits.detection_size)"},

		{name: "condition that is no text", detection: cond(`true`), want: "1:46: condition: want a text, got a truth value"},
		{name: "condition that is null", detection: cond(`null`), want: "1:46: condition: want a text, got a null"},
		{name: "empty condition", detection: cond(`" "`), want: "1:46: condition: ends where a selection should stand"},
		{name: "no condition in the list", detection: cond(`[]`), want: "1:46: condition is empty"},
		{name: "mapping in the list of conditions", detection: cond(`["s", {}]`), want: "1:52: condition: want a text, got a mapping"},
		{name: "unknown selection", detection: cond(`"s and t"`), want: `1:46: condition: unknown selection "t"; there is s, x1`},
		{name: "selection that sees case", detection: cond(`"S"`), want: `1:46: condition: unknown selection "S"; there is s, x1`},
		{name: "selection without a name behind and", detection: `{"": {"a": 1}, "s": {"a": 1}, "condition": "s and"}`, want: "1:44: condition: ends where a selection should stand"},
		{name: "nothing behind and", detection: cond(`"s and"`), want: "1:46: condition: ends where a selection should stand"},
		{name: "nothing in front of or", detection: cond(`"or s"`), want: `1:46: condition: unexpected "or"`},
		{name: "nothing behind not", detection: cond(`"not"`), want: "1:46: condition: ends where a selection should stand"},
		{name: "nothing between two selections", detection: cond(`"s x1"`), want: `1:46: condition: unexpected "x1"`},
		{name: "parenthesis that is not closed", detection: cond(`"(s"`), want: `1:46: condition: ")" is missing`},
		{name: "parenthesis that is not opened", detection: cond(`"s)"`), want: `1:46: condition: unexpected ")"`},
		{name: "empty parentheses", detection: cond(`"()"`), want: `1:46: condition: unexpected ")"`},
		{name: "two selections in parentheses", detection: cond(`"(s x1)"`), want: `1:46: condition: unexpected "x1"`},
		{name: "count", detection: cond(`"s | count() > 5"`), want: `1:46: condition: aggregations ("|") are not supported: a rule sees one event`},
		{name: "near", detection: cond(`"near s"`), want: "1:46: condition: near is not supported: a rule sees one event"},
		{name: "2 of them", detection: cond(`"2 of them"`), want: `1:46: condition: "2 of" is not supported: 1 of, or all of`},
		{name: "any of them", detection: cond(`"any of x*"`), want: `1:46: condition: "any of" is not supported: 1 of, or all of`},
		{name: "of nothing", detection: cond(`"1 of"`), want: `1:46: condition: "of" wants the name of a selection, a pattern of names, or them`},
		{name: "of a parenthesis", detection: cond(`"1 of (s)"`), want: `1:46: condition: "of" wants the name of a selection, a pattern of names, or them`},
		{name: "pattern of no selection", detection: cond(`"all of y*"`), want: `1:46: condition: no selection is called "y*"; there is s, x1`},
		{name: "them where all begin with an underscore", detection: `{"_s": {"a": 1}, "condition": "1 of them"}`, want: `1:31: condition: no selection is called "them"; there is _s`},
		{name: "deep parentheses", detection: cond(`"` + strings.Repeat("(", 102) + "s" + strings.Repeat(")", 102) + `"`), want: "1:46: condition: nests more than 100 deep"},
		{name: "many nots", detection: cond(`"` + strings.Repeat("not ", 102) + `s"`), want: "1:46: condition: nests more than 100 deep"},
		{
			name:      "every fault in the order of the file",
			detection: "{\n \"condition\": \"t\",\n \"s\": {\"a|x\": 1,\n  \"b|lt\": \"y\", \"c\": []}\n}",
			want:      "2:15: condition: unknown selection \"t\"; there is s\n3:8: \"a|x\": unknown modifier \"x\"\n4:11: lt: want a number, got \"y\"\n4:21: \"c\": list of values is empty",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := decodeNode([]byte(tt.detection))
			if err != nil {
				t.Fatal(err)
			}
			d, err := Compile(n, testOptions())
			if err == nil || err.Error() != tt.want {
				t.Fatalf("Compile(%s) = %v, want %s", tt.detection, err, tt.want)
			}
			if d != nil {
				t.Errorf("Compile(%s) gives a detection beside its error", tt.detection)
			}
			var one *Error
			if !errors.As(err, &one) || one.Line == 0 || one.Unwrap() == nil {
				t.Errorf("Compile(%s) = %v, which has no *Error with a place", tt.detection, err)
			}
		})
	}
}

// Reading a value took time in the square of its length (half a minute for one as long as a file may be, and longer yet
// with dashes), and each use of a selection in a condition was a copy of it: 118 KB became 20 million instructions.
func TestLargeDetectionsAreCompiledAtOnceOrRefused(t *testing.T) {
	long := strings.Repeat("ab", 150_000)
	for _, item := range []string{
		itemJSON(t, "f", long), itemJSON(t, "f", strings.Repeat(`\\*?`, 60_000)), itemJSON(t, "f|windash", long[:50_000]+" -a -b -c"+long[:50_000]),
		itemJSON(t, "f|windash", strings.Repeat("-", 300_000)), itemJSON(t, "f|contains|cased", long), itemJSON(t, "f|wide|base64offset", long),
	} {
		compileJSON(t, item)
	}
	condition := func(times int) *Node {
		n, err := decodeNode([]byte(`{"s": {"a": [1, 2, 3, 4]}, "condition": "s` + strings.Repeat(" and not s", times) + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := Compile(condition(900), testOptions()); err != nil {
		t.Errorf("Compile of 901 uses of a selection = %v", err)
	}
	want := "1:41: condition: asks for more than 5000 values, again and again (10 times limits.detection_size)"
	if _, err := Compile(condition(100_000), testOptions()); err == nil || err.Error() != want {
		t.Errorf("Compile of 100001 uses of a selection = %v, want %s", err, want)
	}
}

func TestNoNodeIsNoDetection(t *testing.T) {
	if _, err := Compile(nil, Options{}); err == nil {
		t.Error("Compile(nil) = nil, want an error")
	}
}
