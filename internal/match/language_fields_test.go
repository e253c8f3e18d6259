package match

import (
	"strings"
	"testing"
)

func fieldCases() []languageCase {
	return []languageCase{
		{
			name: "a path leads through objects", detection: `{"s": {"a.b.c": "x"}, "condition": "s"}`,
			yes: []string{`{"a":{"b":{"c":"x"}}}`, `{"a":{"z":1,"b":{"y":2,"c":"X"}}}`},
			no:  []string{`{"a":{"b":"x"}}`, `{"c":"x"}`, `{"a":{"c":"x"}}`, `{"b":{"c":"x"}}`, `{"A":{"b":{"c":"x"}}}`, `{"z":{"a":{"b":{"c":"x"}}}}`},
		},
		{
			name: "a path leads through arrays", detection: `{"s": {"a.b": "x"}, "condition": "s"}`,
			yes: []string{`{"a":[{"b":"x"}]}`, `{"a":[{"b":"y"},{"b":"x"}]}`, `{"a":[1,[[{"b":"x"}]],{"c":1}]}`, `{"a":{"b":[["x"]]}}`},
			no:  []string{`{"a":[{"b":"y"}]}`, `{"a":["b","x"]}`, `{"a":[]}`},
		},
		{
			name: "where a path leads nowhere it is a key at the top", detection: `{"s": {"a.b": "x"}, "condition": "s"}`,
			yes: []string{`{"a.b":"x"}`, `{"a":{"c":1},"a.b":"x"}`, `{"a.b":"x","a":[]}`, `{"a":1,"a.b":["x"]}`, `{"a.b":{"c":"x"}}`},
			no:  []string{`{"z":{"a.b":"x"}}`, `{"a.B":"x"}`},
		},
		{
			name: "a path that leads somewhere hides the key at the top", detection: `{"s": {"a.b": "x"}, "condition": "s"}`,
			no: []string{`{"a":{"b":"y"},"a.b":"x"}`, `{"a.b":"x","a":{"b":null}}`, `{"a.b":"x","a":[{"b":[]}]}`, `{"a.b":"x","a":{"b":{}}}`},
		},
		{
			name: "a literal key is all of the path", detection: `{"s": {"a.b.c": "x"}, "condition": "s"}`,
			yes: []string{`{"a.b.c":"x"}`}, no: []string{`{"a.b":{"c":"x"}}`, `{"a":{"b.c":"x"}}`},
		},
		{
			name: "a literal key below another path does not hide it", detection: `{"s": {"a.b": "x", "a.b.c": "y"}, "condition": "s"}`,
			yes: []string{`{"a.b":"x","a.b.c":"y"}`, `{"a":{"b":{"c":["x","y"]}}}`, `{"a":{"b":"x"},"a.b.c":"y"}`},
			no:  []string{`{"a":{"b":"x"},"a.b":{"c":"y"}}`},
		},
		{
			name: "an array matches if any element does", detection: `{"s": {"a": "x"}, "condition": "s"}`,
			yes: []string{`{"a":["x"]}`, `{"a":["y","x"]}`, `{"a":[["y",["x"]]]}`, `{"a":[{"b":"x"}]}`},
			no:  []string{`{"a":[]}`, `{"a":["y"]}`, `{"a":[null]}`, `{"a":[{"x":"y"}]}`},
		},
		{
			name: "two values of an array may satisfy two demands", detection: `{"s": {"a|contains|all": ["x", "y"]}, "condition": "s"}`,
			yes: []string{`{"a":["x","y"]}`, `{"a":"xy"}`, `{"a":[{"b":"y"},"x"]}`}, no: []string{`{"a":["x","x"]}`},
		},
		{
			name: "an object stands for every scalar below", detection: `{"s": {"a": "x"}, "condition": "s"}`,
			yes: []string{`{"a":{"b":"x"}}`, `{"a":{"b":{"c":[1,"x"]}}}`}, no: []string{`{"a":{"x":"b"}}`, `{"a":{}}`},
		},
		{
			name: "a field and one below it are asked together", detection: `{"s": {"a": "x", "a.b": "y"}, "condition": "s"}`,
			yes: []string{`{"a":{"b":"y","c":"x"}}`, `{"a":[{"b":["x","y"]}]}`}, no: []string{`{"a":{"c":"y","d":"x"}}`},
		},
		{
			name: "of equal names on a path the last one counts", detection: `{"s": {"a.b": "x"}, "condition": "s"}`,
			yes: []string{`{"a":{"b":"y"},"a":{"b":"x"}}`, `{"a":{"b":"y","b":"x"}}`, `{"a":1,"a":{"b":2,"b":["x"]}}`, `{"a.b":"y","a.b":"x"}`},
			no:  []string{`{"a":{"b":"x"},"a":{"b":"y"}}`, `{"a":{"b":"x","b":"y"}}`, `{"a":{"b":"x"},"a":1}`, `{"a.b":"x","a.b":"y"}`, `{"a":{"b":"x","b":[]}}`},
		},
		{
			name: "of equal names below the end of a path every value counts", detection: `{"s": {"a": "x"}, "condition": "s"}`,
			yes: []string{`{"a":{"b":"x","b":"y"}}`, `{"a":{"b":"y","b":"x"}}`}, no: []string{`{"a":"x","a":"y"}`},
		},
		{
			name: "equal names in different objects are not equal names", detection: `{"s": {"a.b|all": ["x", "y"]}, "condition": "s"}`,
			yes: []string{`{"a":[{"b":"x"},{"b":"y"}]}`}, no: []string{`{"a":[{"b":"x","b":"y"}]}`},
		},
		{
			name: "a name may be written with escapes", detection: `{"s": {"a.b\u00e4": "x"}, "condition": "s"}`,
			yes: []string{`{"\u0061":{"b\u00e4":"x"}}`, `{"a.b\u00E4":"x"}`, "{\"a\":{\"\\u0062\u00e4\":\"x\"}}", "{\"a\":{\"b\":1,\"b\u00e4\":\"x\"}}"},
			no:  []string{`{"a":{"b\u00c4":"x"}}`, `{"a":{"b\\u00e4":"x"}}`},
		},
		{
			name: "equal names may be written in different ways", detection: `{"s": {"ab": "x"}, "condition": "s"}`,
			yes: []string{`{"ab":"y","\u0061b":"x"}`}, no: []string{`{"\u0061b":"x","ab":"y"}`},
		},
		{
			name: "a name sees case", detection: `{"s": {"Image": "x"}, "condition": "s"}`,
			yes: []string{`{"Image":"x"}`}, no: []string{`{"image":"x"}`, `{"IMAGE":"x"}`},
		},
		{
			name: "a name may hold anything but a dot", detection: `{"s": {"a b-$@/\"\\": "x"}, "condition": "s"}`,
			yes: []string{`{"a b-$@/\"\\":"x"}`, `{"a b-$@\/\u0022\u005c":"x"}`}, no: []string{`{"a b":"x"}`},
		},
		{
			name: "half a surrogate pair in a name is the replacement character", detection: `{"s": {"a\ufffd": "x"}, "condition": "s"}`,
			yes: []string{`{"a\ud800":"x"}`, "{\"a\xff\":\"x\"}", `{"a\udc00":"x"}`}, no: []string{`{"a":"x"}`, `{"a\ud83d\ude00":"x"}`},
		},
		{
			name: "a renamed field is where the options say", detection: `{"s": {"Renamed|contains": "x", "ToLiteral": 1}, "condition": "s"}`,
			yes: []string{`{"deep":{"path":"axb"},"mapped":1}`, `{"deep.path":"x","mapped":"1"}`}, no: []string{`{"Renamed":"x","ToLiteral":1}`, `{"deep":{"path":"x"},"ToLiteral":1}`},
		},
		{
			name: "null is a field that is not there, or has a null", detection: `{"s": {"a": null}, "condition": "s"}`,
			yes: []string{`{}`, `{"a":null}`, `{"a":[1,null]}`, `{"a":{"b":null}}`, `{"b":1}`, `{"z":{"a":1}}`},
			no:  []string{`{"a":1}`, `{"a":""}`, `{"a":[]}`, `{"a":{}}`, `{"a":false}`, `{"a":"null"}`, `{"a":0}`},
		},
		{
			name: "null of a path", detection: `{"s": {"a.b": null}, "condition": "s"}`,
			yes: []string{`{}`, `{"a":1}`, `{"a":{"b":null}}`, `{"a":[{},{"c":1}]}`, `{"a.b":null}`, `{"a":{"b":1,"b":null}}`},
			no:  []string{`{"a":{"b":1}}`, `{"a.b":1}`, `{"a":[{},{"b":1}]}`, `{"a":{"b":null,"b":1}}`},
		},
		{
			name: "null beside other values", detection: `{"s": {"a": ["x", null]}, "condition": "s"}`,
			yes: []string{`{}`, `{"a":null}`, `{"a":"x"}`}, no: []string{`{"a":"y"}`, `{"a":""}`},
		},
		{
			name: "a negated null is a value that is none", detection: `{"s": {"a": null}, "condition": "not s"}`,
			yes: []string{`{"a":1}`, `{"a":""}`, `{"a":[]}`}, no: []string{`{}`, `{"a":null}`, `{"a":["x",null]}`},
		},
		{
			name: "exists is a field that is there", detection: `{"s": {"a.b|exists": true}, "condition": "s"}`,
			yes: []string{`{"a":{"b":1}}`, `{"a":{"b":null}}`, `{"a":{"b":""}}`, `{"a":{"b":[]}}`, `{"a":{"b":{}}}`, `{"a.b":null}`, `{"a":[{},{"b":0}]}`},
			no:  []string{`{}`, `{"a":1}`, `{"a":{}}`, `{"a":[]}`, `{"b":1}`, `{"a":{"b":1},"a":1}`},
		},
		{
			name: "exists false is a field that is not there", detection: `{"s": {"a|exists": "False"}, "condition": "s"}`,
			yes: []string{`{}`, `{"b":1}`, `{"b":{"a":1}}`}, no: []string{`{"a":1}`, `{"a":null}`, `{"a":[]}`},
		},
		{
			name: "exists with neq is its contrary", detection: `{"s": {"a|exists|neq": true}, "condition": "s"}`,
			yes: []string{`{}`}, no: []string{`{"a":1}`, `{"a":null}`},
		},
		{
			name: "the empty text is a value without characters", detection: `{"s": {"a": ""}, "condition": "s"}`,
			yes: []string{`{"a":""}`, `{"a":["x",""]}`, `{"a":{"b":""}}`}, no: []string{`{}`, `{"a":null}`, `{"a":" "}`, `{"a":[]}`, `{"a":0}`, `{"a":false}`},
		},
	}
}

func keywordCases() []languageCase {
	return []languageCase{
		{
			name: "a keyword is in any value", detection: `{"k": ["hello", "w?rld"], "condition": "k"}`,
			yes: []string{
				`{"a":"say HELLO there"}`, `{"a":{"b":[1,{"c":"hello"}]}}`, `{"a":"a WORLD b"}`, `{"a":"x","b":"xhellox"}`,
				`{"a":"hello","a":1}`, `{"a":"h\u0065llo"}`,
			},
			no: []string{`{"hello":1}`, `{"a":{"hello":"x"}}`, `{"a":"hell","b":"o"}`, `{"a":["hel","lo"]}`, `{}`, `{"a":null}`, `{"a":"wrld"}`},
		},
		{
			name: "a keyword alone needs no list", detection: `{"k": "hello", "condition": "k"}`,
			yes: []string{`{"a":"hello"}`}, no: []string{`{"a":"x"}`},
		},
		{
			name: "a keyword may be a number or a truth value", detection: `{"k": [4104, true], "condition": "k"}`,
			yes: []string{`{"a":4104}`, `{"a":"x4104y"}`, `{"a":{"b":true}}`, `{"a":141041}`, `{"a":"it is true"}`}, no: []string{`{"a":4,"b":104}`, `{"a":false}`},
		},
		{
			name: "of keywords with all every one is somewhere", detection: `{"k": {"|all": ["one", "two"]}, "condition": "k"}`,
			yes: []string{`{"a":"one","b":"two"}`, `{"a":"TWO ONE"}`, `{"a":[{"b":"two"},"onerous"]}`}, no: []string{`{"a":"one"}`, `{"one":"two"}`},
		},
		{
			name: "a keyword of one character", detection: `{"k": ["~"], "condition": "k"}`,
			yes: []string{`{"a":"x~y"}`, `{"a":{"b":["~"]}}`}, no: []string{`{"~":"x"}`, `{}`},
		},
		{
			name: "the empty keyword is in every value", detection: `{"k": [""], "condition": "k"}`,
			yes: []string{`{"a":""}`, `{"a":{"b":0}}`}, no: []string{`{}`, `{"a":null}`, `{"a":{"b":[]}}`},
		},
		{
			name: "wildcards of a keyword stay in one value", detection: `{"k": ["one*two"], "condition": "k"}`,
			yes: []string{`{"a":"xone, twox"}`, `{"a":"onetwo"}`}, no: []string{`{"a":"one","b":"two"}`, `{"a":"two one"}`},
		},
		{
			name: "a keyword may be an expression", detection: `{"k": {"|re": "^a.c$"}, "condition": "k"}`,
			yes: []string{`{"x":"abc"}`, `{"x":[{"y":"a-c"}]}`}, no: []string{`{"x":"ABC"}`, `{"x":"xabc"}`, `{"abc":1}`},
		},
		{
			name: "a keyword may see case", detection: `{"k": {"|cased": "aB"}, "condition": "k"}`,
			yes: []string{`{"x":"xaBx"}`}, no: []string{`{"x":"ab"}`, `{"x":"AB"}`},
		},
		{
			name: "a keyword may be bound to an end of a value", detection: `{"k": {"|startswith": "ab"}, "condition": "k"}`,
			yes: []string{`{"x":"abc"}`, `{"x":{"y":["AB"]}}`}, no: []string{`{"x":"xab"}`},
		},
		{
			name: "a keyword in base64 stands anywhere in a value", detection: `{"k": {"|base64": "hello"}, "condition": "k"}`,
			yes: []string{`{"x":"aGVsbG8="}`, `{"x":"run aGVsbG8= now"}`}, no: []string{`{"x":"hello"}`},
		},
		{
			name: "a keyword with dashes stands anywhere in a value", detection: `{"k": {"|windash": " -enc"}, "condition": "k"}`,
			yes: []string{`{"x":"powershell /ENC abc"}`, `{"x":" -enc"}`}, no: []string{`{"x":"enc"}`, `{"x":"-enc"}`},
		},
		{
			name: "no keyword", detection: `{"k": ["hello"], "condition": "not k"}`,
			yes: []string{`{}`, `{"hello":1}`}, no: []string{`{"a":"hello"}`},
		},
		{
			name: "keywords with neq", detection: `{"k": {"|neq": ["one", "two"]}, "condition": "k"}`,
			yes: []string{`{}`, `{"a":"three"}`}, no: []string{`{"a":"one"}`, `{"a":"x","b":"two"}`},
		},
		{
			name: "keywords and mappings in one list", detection: `{"k": ["hello", {"a": 1}], "condition": "k"}`,
			yes: []string{`{"x":"hello"}`, `{"a":1}`}, no: []string{`{"x":1}`},
		},
	}
}

func valueCases() []languageCase {
	return []languageCase{
		{
			name: "numbers match by their text", detection: `{"s": {"a": [1.50, 100, -0, 25e-1]}, "condition": "s"}`,
			yes: []string{
				`{"a":1.5}`, `{"a":1.50}`, `{"a":15e-1}`, `{"a":0.15E+1}`, `{"a":"1.5"}`, `{"a":100}`, `{"a":1e2}`, `{"a":100.0}`, `{"a":"100"}`,
				`{"a":0}`, `{"a":-0}`, `{"a":-0.0}`, `{"a":0e5}`, `{"a":"0"}`, `{"a":2.5}`,
			},
			no: []string{`{"a":"1.50"}`, `{"a":15}`, `{"a":"1e2"}`, `{"a":1000}`, `{"a":"100.0"}`, `{"a":"-0"}`, `{"a":-100}`, `{"a":true}`},
		},
		{
			name: "numbers match texts of numbers", detection: `{"s": {"a": ["1.5", "1e3"]}, "condition": "s"}`,
			yes: []string{`{"a":1.5}`, `{"a":1.50}`, `{"a":"1E3"}`}, no: []string{`{"a":1000}`, `{"a":1e3}`},
		},
		{
			name: "large whole numbers keep their digits", detection: `{"s": {"a": [9007199254740993, 18446744073709551616]}, "condition": "s"}`,
			yes: []string{`{"a":9007199254740993}`, `{"a":"9007199254740993"}`, `{"a":18446744073709551616}`},
			no:  []string{`{"a":9007199254740992}`, `{"a":18446744073709551617}`},
		},
		{
			name: "numbers too large for a double stay as written", detection: `{"s": {"a": "1e999"}, "condition": "s"}`,
			yes: []string{`{"a":1e999}`, `{"a":1E999}`, `{"a":"1e999"}`}, no: []string{`{"a":1e998}`, `{"a":10e998}`},
		},
		{
			name: "numbers match texts with wildcards", detection: `{"s": {"a": ["46??", "-1*"]}, "condition": "s"}`,
			yes: []string{`{"a":4688}`, `{"a":"4699"}`, `{"a":-1}`, `{"a":-1.50}`}, no: []string{`{"a":468}`, `{"a":46888}`, `{"a":1}`},
		},
		{
			name: "parts of numbers", detection: `{"s": {"a|contains": ".5"}, "condition": "s"}`,
			yes: []string{`{"a":1.50}`, `{"a":5e-1}`, `{"a":"x.5"}`}, no: []string{`{"a":1.05}`, `{"a":15}`},
		},
		{
			name: "truth values match by their text", detection: `{"s": {"a": true, "b": false, "c": "TRUE"}, "condition": "s"}`,
			yes: []string{`{"a":true,"b":false,"c":true}`, `{"a":"True","b":"false","c":"true"}`}, no: []string{`{"a":1,"b":0,"c":true}`, `{"a":true,"b":null,"c":true}`},
		},
		{
			name: "a null is no text", detection: `{"s": {"a|contains": ["", "null"]}, "condition": "s"}`,
			yes: []string{`{"a":""}`, `{"a":"null"}`, `{"a":[null,0]}`}, no: []string{`{"a":null}`, `{"a":[]}`, `{}`},
		},
		{
			name: "neq negates the item", detection: `{"s": {"a|neq": ["x", "y"], "b": 1}, "condition": "s"}`,
			yes: []string{`{"b":1}`, `{"a":"z","b":1}`, `{"a":null,"b":1}`, `{"a":[],"b":1}`}, no: []string{`{"a":"x","b":1}`, `{"a":["z","Y"],"b":1}`, `{"a":"z"}`},
		},
		{
			name: "neq of all is not all of them", detection: `{"s": {"a|contains|all|neq": ["x", "y"]}, "condition": "s"}`,
			yes: []string{`{}`, `{"a":"x"}`, `{"a":"y"}`}, no: []string{`{"a":"xy"}`, `{"a":["x","y"]}`},
		},
		{
			name: "neq of null is a value that is none", detection: `{"s": {"a|neq": null}, "condition": "s"}`,
			yes: []string{`{"a":1}`, `{"a":[]}`}, no: []string{`{}`, `{"a":null}`},
		},
		{
			name: "not neq is the item", detection: `{"s": {"a|neq": "x"}, "condition": "not s"}`,
			yes: []string{`{"a":"x"}`, `{"a":["y","x"]}`}, no: []string{`{}`, `{"a":"y"}`},
		},
	}
}

// Comparing all pairs of two long arrays took ten seconds for 240 KB: fieldref compares the first values only.
func TestFieldRefComparesTheFirstValues(t *testing.T) {
	d := compileJSON(t, `{"s":{"a|fieldref":"b"},"condition":"s"}`)
	fill := func(n int, text string) string { return strings.Repeat(`"`+text+`",`, n) }
	for _, tt := range []struct {
		before int
		want   bool
	}{{63, true}, {64, false}, {30_000, false}} {
		checkMatch(t, d, `{"a":[`+fill(tt.before, "x")+`"same"],"b":[`+fill(5, "y")+`"same"]}`, tt.want)
		checkMatch(t, d, `{"a":["same"],"b":[`+fill(tt.before, "y")+`"same"]}`, tt.want)
	}
	checkMatch(t, d, `{"a":[`+fill(30_000, "x")+`"x"],"b":[`+fill(30_000, "y")+`"y"]}`, false)
}
