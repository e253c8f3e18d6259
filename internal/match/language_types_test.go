package match

import "fmt"

// fieldValues are payloads whose field a has each of the values.
func fieldValues(values ...string) []string {
	payloads := make([]string, len(values))
	for i, v := range values {
		payloads[i] = `{"a":` + v + `}`
	}
	return payloads
}

// typed is the case of one item of field a; values are JSON.
func typedCase(name, modifiers, value string, yes, no []string) languageCase {
	detection := fmt.Sprintf(`{"s": {"a|%s": %s}, "condition": "s"}`, modifiers, value)
	return languageCase{name: name, detection: detection, yes: fieldValues(yes...), no: fieldValues(no...)}
}

func compareCases() []languageCase {
	none := []string{`""`, `"x"`, `null`, `true`, `[]`, `{}`, `"NaN"`, `"Inf"`, `"-infinity"`, `"0x01"`, `"1_0"`, `"1 2"`, `"1e"`, `"."`, `"-"`}
	cases := []languageCase{
		typedCase("lt is less", "lt", `10`, []string{`9`, `9.999`, `-11`, `"9"`, `" 9 "`, `"-1e9"`, `1e-400`, `[11,9]`, `{"b":9}`, `"+9"`}, []string{`10`, `11`, `"10.0"`, `1e1`, `1e999`}),
		typedCase("lte is less or equal", "lte", `10`, []string{`9`, `10`, `1e1`, `"10.0"`, `"1E1"`}, []string{`10.0000001`, `11`}),
		typedCase("gt is greater", "gt", `-1.5`, []string{`-1`, `0`, `"-1.49"`, `1e300`, `-0`}, []string{`-1.5`, `-15e-1`, `-2`, `-1e300`}),
		typedCase("gte is greater or equal", "gte", `"-1.5"`, []string{`-1.5`, `"-1.50"`, `0`}, []string{`-1.51`, `"-2"`}),
		typedCase("comparing with a number in exponents", "gt", `1e3`, []string{`1001`, `"1000.5"`}, []string{`1000`, `999`}),
		typedCase("comparing with any of several", "gt", `[100, 10]`, []string{`11`, `101`}, []string{`10`, `1`}),
		typedCase("comparing with all of several", "gt|all", `[100, 10]`, []string{`101`, `[101]`}, []string{`11`}),
		typedCase("comparing with neq", "gt|neq", `10`, []string{`10`, `9`, `"x"`, `null`}, []string{`11`, `[1,11]`}),
	}
	for _, modifier := range []string{"lt", "lte", "gt", "gte"} {
		cases = append(cases, typedCase(modifier+" of what is no number", modifier, `1`, nil, none))
		cases = append(cases, languageCase{name: modifier + " of a field that is not there", detection: `{"s": {"a|` + modifier + `": 1}, "condition": "s"}`, no: []string{`{}`, `{"b":0}`}})
	}
	return cases
}

func networkCases() []languageCase {
	return []languageCase{
		typedCase(
			"cidr of IPv4", "cidr", `"10.1.0.0/16"`, []string{`"10.1.0.0"`, `"10.1.255.255"`, `" 10.1.2.3 "`, `"::ffff:10.1.2.3"`, `["x","10.1.2.3"]`},
			[]string{`"10.2.0.0"`, `"10.0.255.255"`, `"10.1.2"`, `"10.1.2.3/32"`, `"10.1.2.3:80"`, `"x10.1.2.3"`, `""`, `10.1`, `null`, `"010.1.2.3"`, `"::10.1.2.3"`},
		),
		typedCase("cidr whose address is no network", "cidr", `"10.1.2.3/8"`, []string{`"10.0.0.0"`, `"10.255.0.1"`}, []string{`"11.0.0.0"`}),
		typedCase("cidr of one address", "cidr", `"10.1.2.3/32"`, []string{`"10.1.2.3"`}, []string{`"10.1.2.4"`}),
		typedCase("cidr of all IPv4", "cidr", `"0.0.0.0/0"`, []string{`"1.2.3.4"`, `"::ffff:1.2.3.4"`}, []string{`"::1"`, `"x"`}),
		typedCase(
			"cidr of IPv6", "cidr", `"fe80::/10"`, []string{`"fe80::1"`, `"FEBF::1"`, `"fe80::1%eth0"`, `"fe80:0:0:0:0:0:0:1"`},
			[]string{`"fec0::1"`, `"::fe80"`, `"[fe80::1]"`, `"10.0.0.1"`},
		),
		typedCase("cidr of all IPv6", "cidr", `"::/0"`, []string{`"::"`, `"2001:db8::1"`}, []string{`"1.2.3.4"`}),
		typedCase("cidr of several networks", "cidr", `["10.0.0.0/8", "192.168.0.0/16", "::1/128"]`, []string{`"10.1.1.1"`, `"192.168.9.9"`, `"::1"`}, []string{`"172.16.0.1"`, `"::2"`}),
		typedCase("cidr with neq", "cidr|neq", `"10.0.0.0/8"`, []string{`"11.0.0.1"`, `"x"`, `null`}, []string{`"10.0.0.1"`, `["11.0.0.1","10.0.0.1"]`}),
		{name: "cidr of a field that is not there", detection: `{"s": {"a|cidr": "0.0.0.0/0"}, "condition": "s"}`, no: []string{`{}`}},
	}
}

func referenceCases() []languageCase {
	return []languageCase{
		{
			name: "fieldref is an equal value of another field", detection: `{"s": {"a|fieldref": "b.c"}, "condition": "s"}`,
			yes: []string{
				`{"a":"x","b":{"c":"X"}}`, `{"b":{"c":"x"},"a":"x"}`, `{"a":["y","x"],"b":[{"c":"z"},{"c":"x"}]}`, `{"a":1.50,"b":{"c":"1.5"}}`,
				`{"a":true,"b":{"c":"TRUE"}}`, `{"a":"","b":{"c":""}}`, `{"a":"x","b.c":"x"}`, `{"a":"k","b":{"c":"\u212a"}}`,
			},
			no: []string{
				`{}`, `{"a":"x"}`, `{"b":{"c":"x"}}`, `{"a":null,"b":{"c":null}}`, `{"a":"xy","b":{"c":"x"}}`, `{"a":"null","b":{"c":null}}`,
				`{"a":"x","b":"x"}`, `{"a":"","b":{"c":null}}`, `{"a":[],"b":{"c":[]}}`,
			},
		},
		{
			name: "fieldref with startswith", detection: `{"s": {"a|fieldref|startswith": "b"}, "condition": "s"}`,
			yes: []string{`{"a":"xyz","b":"XY"}`, `{"a":"x","b":""}`, `{"a":"xyz","b":["q","xyz"]}`}, no: []string{`{"a":"xyz","b":"yz"}`, `{"a":"x","b":"xy"}`, `{"a":"x","b":null}`},
		},
		{
			name: "fieldref with endswith", detection: `{"s": {"a|endswith|fieldref": "b"}, "condition": "s"}`,
			yes: []string{`{"a":"xyz","b":"YZ"}`, `{"a":"x","b":""}`, `{"a":123,"b":23}`}, no: []string{`{"a":"xyz","b":"xy"}`},
		},
		{
			name: "fieldref with contains", detection: `{"s": {"a|fieldref|contains": "b"}, "condition": "s"}`,
			yes: []string{`{"a":"xyz","b":"Y"}`, `{"a":"x*z","b":"*"}`}, no: []string{`{"a":"xyz","b":"*"}`, `{"a":"xyz","b":"xz"}`},
		},
		{
			name: "fieldref with cased", detection: `{"s": {"a|fieldref|cased": "b"}, "condition": "s"}`,
			yes: []string{`{"a":"x","b":"x"}`}, no: []string{`{"a":"x","b":"X"}`},
		},
		{
			name: "fieldref with contains and cased", detection: `{"s": {"a|fieldref|contains|cased": "b"}, "condition": "s"}`,
			yes: []string{`{"a":"axb","b":"x"}`}, no: []string{`{"a":"axb","b":"X"}`},
		},
		{
			name: "fieldref with neq", detection: `{"s": {"a|fieldref|neq": "b"}, "condition": "s"}`,
			yes: []string{`{"a":"x","b":"y"}`, `{}`, `{"a":"x"}`}, no: []string{`{"a":"x","b":"x"}`},
		},
		{
			name: "fieldref of several fields", detection: `{"s": {"a|fieldref": ["b", "c"]}, "condition": "s"}`,
			yes: []string{`{"a":"x","b":"x"}`, `{"a":"x","c":"x"}`}, no: []string{`{"a":"x","b":"y","c":"z"}`},
		},
		{
			name: "fieldref of a renamed field", detection: `{"s": {"a|fieldref": "Renamed"}, "condition": "s"}`,
			yes: []string{`{"a":"x","deep":{"path":"x"}}`}, no: []string{`{"a":"x","Renamed":"x"}`},
		},
		{
			name: "fieldref to itself is a value", detection: `{"s": {"a|fieldref": "a"}, "condition": "s"}`,
			yes: []string{`{"a":"x"}`, `{"a":[null,0]}`}, no: []string{`{"a":null}`, `{}`, `{"a":[]}`},
		},
		{
			name: "fieldref of a name that is there twice", detection: `{"s": {"a|fieldref": "b"}, "condition": "s"}`,
			yes: []string{`{"a":"x","b":"y","b":"x"}`}, no: []string{`{"a":"x","b":"x","b":"y"}`},
		},
	}
}

func timeCases() []languageCase {
	at := `"2024-02-29T13:07:59.123Z"`
	return []languageCase{
		typedCase("minute", "minute", `7`, []string{at, `"2020-01-01 00:07:00"`, `"2020-01-01T00:07"`}, []string{`"2024-02-29T07:08:07Z"`, `7`, `"7"`, `""`, `null`}),
		typedCase("hour", "hour", `13`, []string{at, `"2020-01-01T13:00:00+05:00"`, `"2020-01-01 13:59"`}, []string{`"2020-01-01T01:13:13Z"`, `"13:00:00"`, `"2020-01-01T1"`}),
		typedCase("day", "day", `29`, []string{at, `"2021-01-29"`}, []string{`"2024-02-28T23:59:59Z"`, `"2023-02-29T00:00:00Z"`}),
		typedCase("week", "week", `9`, []string{at, `"2024-02-26"`, `"2024-03-03T23:59:59Z"`}, []string{`"2024-02-25"`, `"2024-03-04"`}),
		typedCase("the week of a day that belongs to the year before", "week", `53`, []string{`"2021-01-03"`, `"2020-12-28"`}, []string{`"2021-01-04"`}),
		typedCase("month", "month", `2`, []string{at, `"1999-02-01"`}, []string{`"2024-12-02"`, `"2024-2-29"`}),
		typedCase("year", "year", `2024`, []string{at, `"2024-12-31"`}, []string{`"2023-12-31T23:59:59-05:00"`, `2024`}),
		typedCase("a part may be a text, or have a fraction that is none", "hour", `"13.0"`, []string{at}, []string{`"2020-01-01T12:00:00Z"`}),
		typedCase("hour with lt", "hour|lt", `6`, []string{`"2020-01-01T05:59:59Z"`, `"2020-01-01T00:00:00Z"`}, []string{`"2020-01-01T06:00:00Z"`, `"x"`}),
		typedCase("hour with lte", "lte|hour", `6`, []string{`"2020-01-01T06:59:59Z"`}, []string{`"2020-01-01T07:00:00Z"`}),
		typedCase("hour with gt", "hour|gt", `18`, []string{`"2020-01-01T19:00:00Z"`}, []string{`"2020-01-01T18:59:59Z"`}),
		typedCase("hour with gte", "hour|gte", `18`, []string{`"2020-01-01T18:00:00Z"`}, []string{`"2020-01-01T17:59:59Z"`}),
		typedCase("hour of several", "hour", `[1, 2]`, []string{`"2020-01-01T01:00:00Z"`, `["x","2020-01-01T02:00:00Z"]`}, []string{`"2020-01-01T03:00:00Z"`}),
		typedCase("hour between two", "hour|gte|all", `[1, 3]`, []string{`"2020-01-01T03:00:00Z"`}, []string{`"2020-01-01T02:00:00Z"`}),
		typedCase("hour with neq", "hour|neq", `1`, []string{`"2020-01-01T02:00:00Z"`, `"x"`, `null`}, []string{`"2020-01-01T01:00:00Z"`}),
		typedCase("a time that is none", "month|gte", `1`, nil, []string{`"2020-13-01T00:00:00Z"`, `"2020-02-30"`, `"20200101"`, `"Jan 2 2020"`, `1577836800`, `true`, `"2020-01"`}),
	}
}
