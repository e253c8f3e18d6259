package derive_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger/derive"
)

// derived is what a payload of a kind is extended by, decoded.
func derived(t *testing.T, kind, payload string) map[string]any {
	t.Helper()
	members, err := match.NewScratch().AppendMembers(nil, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	out := derive.Of(kind)(nil, members)
	var got map[string]any
	if err := json.Unmarshal(append([]byte(`{"":0`), append(out, '}')...), &got); err != nil {
		t.Fatalf("derived from %s: %s: %v", payload, out, err)
	}
	delete(got, "")
	return got
}

func TestRequestsAreDecoded(t *testing.T) {
	for _, tt := range []struct {
		name, payload, want string // want is JSON
	}{
		{name: "nothing to decode", payload: `{"method":"GET"}`, want: `{}`},
		{name: "other types", payload: `{"raw_url":5,"body":null,"headers":true,"user_agent":["x"]}`, want: `{"decoded":{"headers":{"":[]}}}`},
		{
			name:    "path and query",
			payload: `{"raw_url":"/a%2Fb+c?q=a+b%2Bc"}`,
			want:    `{"decoded":{"url":["/a/b+c?q=a b+c"],"path":["/a/b+c"],"query":["q=a b+c"],"names":["q"],"values":["a b+c"]}}`,
		},
		{
			name:    "an encoded question mark is part of the path",
			payload: `{"raw_url":"/a%3fb?"}`,
			want:    `{"decoded":{"url":["/a?b?"],"path":["/a?b"],"query":[""]}}`,
		},
		{
			name:    "a request to a proxy",
			payload: `{"raw_url":"http://example.net/a?b"}`,
			want:    `{"decoded":{"url":["http://example.net/a?b"],"path":["/a"],"query":["b"],"values":["b"]}}`,
		},
		{
			name:    "a URL within a path is no host",
			payload: `{"raw_url":"/go/http://example.net"}`,
			want:    `{"decoded":{"url":["/go/http://example.net"],"path":["/go/http://example.net"]}}`,
		},
		{
			name:    "readings",
			payload: `{"raw_url":"/x?q=1/**/or\\c'a't"}`,
			want: `{"decoded":{"url":["/x?q=1/**/or\\c'a't","/x?q=1 or/c'a't","/x?q=1/**/orcat"],"path":["/x"],
				"query":["q=1/**/or\\c'a't","q=1 or/c'a't","q=1/**/orcat"],
				"names":["q"],"values":["1/**/or\\c'a't","1 or/c'a't","1/**/orcat"]}}`,
		},
		{
			name:    "headers by their names in small letters, however a sensor writes them",
			payload: `{"headers":{"Referer":"%3Cb","X-A":["1",{"k":"&lt;2"}],"X-B":5},"user_agent":"curl"}`,
			want:    `{"decoded":{"headers":{"user-agent":["curl"],"referer":["<b"],"x-a":["1","<2"],"x-b":[]}}}`,
		},
		{
			name:    "the user agent once",
			payload: `{"headers":{"User-Agent":"curl"},"user_agent":"curl"}`,
			want:    `{"decoded":{"headers":{"user-agent":["curl"]}}}`,
		},
		{
			name:    "headers that are a text",
			payload: `{"headers":"Host: a\r\nX: %3Cb"}`,
			want:    `{"decoded":{"headers":{"":["Host: a\r\nX: <b","Host: a X: <b"]}}}`,
		},
		{
			name:    "a form",
			payload: `{"body":"a=1+%26lt;&b%5B0%5D=%3D&=&c"}`,
			want:    `{"decoded":{"body":["a=1 <&b[0]==&=&c","a=1 <&b0==&=&c"],"names":["a","b[0]","b0"],"values":["1 <","=","c"]}}`,
		},
		{
			name:    "a form that says so",
			payload: `{"body":"<a+b","headers":{"content-TYPE":"Application/X-WWW-Form-Urlencoded; charset=x"}}`,
			want:    `{"decoded":{"headers":{"content-type":["Application/X-WWW-Form-Urlencoded; charset=x"]},"body":["<a b"],"values":["<a b"]}}`,
		},
		{
			name:    "no form",
			payload: `{"body":"a+b","headers":{"Content-Type":"text/plain"}}`,
			want:    `{"decoded":{"headers":{"content-type":["text/plain"]},"body":["a+b"],"values":["a+b"]}}`,
		},
		{
			name:    "cookies",
			payload: `{"headers":{"Cookie":"a=%3Cb; c=d+e;f"}}`,
			want:    `{"decoded":{"headers":{"cookie":["a=<b; c=d+e;f"]},"names":["a","c"],"values":["<b","d+e","f"]}}`,
		},
		{name: "XML", payload: `{"body":" <a>b+c</a>"}`, want: `{"decoded":{"body":[" <a>b+c</a>"],"values":["b+c"]}}`},
		{
			name:    "attributes and marked text of XML",
			payload: `{"body":"<a b='c>&lt;' d=\"e\"/><![CDATA[<f>]]>g<h i='j"}`,
			want: `{"decoded":{"body":["<a b='c><' d=\"e\"/><![CDATA[<f>]]>g<h i='j","<a b=c>< d=e/><![CDATA[<f>]]>g<h i=j"],
				"values":["c><","e","<f>","g","j"]}}`,
		},
		{
			name:    "JSON",
			payload: `{"body":"{\"a\":\"b\\/c+\\u0027\"}"}`,
			want:    `{"decoded":{"body":["{\"a\":\"b/c+'\"}","{a:b/c+}"],"names":["a"],"values":["b/c+'","b/c+"]}}`,
		},
		{
			name:    "a body that was parsed",
			payload: `{"body":{"a":["b\/c"]}}`,
			want:    `{"decoded":{"body":["{\"a\":[\"b/c\"]}","{a:[b/c]}"],"names":["a"],"values":["b/c"]}}`,
		},
		{
			name:    "a form in parts",
			payload: `{"body":"--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b.txt\"\r\nContent-Type: c\r\n\r\nd\r\n--x--"}`,
			want: `{"decoded":{"body":["--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b.txt\"\r\nContent-Type: c\r\n\r\nd\r\n--x--",
				" Content-Disposition: form-data; name=\"a\"; filename=\"b.txt\" Content-Type: c d --x--",
				"--x\r\nContent-Disposition: form-data; name=a; filename=b.txt\r\nContent-Type: c\r\n\r\nd\r\n--x--"],
				"names":["a"],"values":["b.txt","d"]}}`,
		},
		{
			name:    "Base64",
			payload: `{"raw_url":"/?q=PGI%2BIGlkOyBscw%3D%3D"}`,
			want: `{"decoded":{"url":["/?q=PGI+IGlkOyBscw=="],"path":["/"],"query":["q=PGI+IGlkOyBscw=="],
				"names":["q"],"values":["PGI+IGlkOyBscw==","<b> id; ls"]}}`,
		},
		{name: "of two bodies the last one", payload: `{"body":"a","body":"b"}`, want: `{"decoded":{"body":["b"],"values":["b"]}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want map[string]any
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, derived(t, "http_request", tt.payload)); diff != "" {
				t.Errorf("derived from %s (-want +got):\n%s", tt.payload, diff)
			}
		})
	}
}

func TestNothingIsDerivedOfUnknownKinds(t *testing.T) {
	if f := derive.Of("no kind"); f != nil {
		t.Error("Of gives a function for a kind that nothing is derived of")
	}
}

// What is derived is appended to what is there and leaves the payload as it was, request after request.
func TestRequestsDoNotMix(t *testing.T) {
	f := derive.Of("http_request")
	payload := []byte(`{"raw_url":"/a%20b","headers":{"X-Y":"z"},"body":"c"}`)
	members, err := match.NewScratch().AppendMembers(nil, payload)
	if err != nil {
		t.Fatal(err)
	}
	before := string(payload)
	first := f([]byte("begin"), members)
	again := f([]byte("begin"), members)
	if !strings.HasPrefix(string(first), `begin,"decoded":{`) || !slices.Equal(first, again) {
		t.Errorf("derived twice: %s and %s", first, again)
	}
	if string(payload) != before {
		t.Errorf("payload is now %s", payload)
	}
}

// FuzzDerive looks for a payload from which something else than members of a JSON object is derived.
func FuzzDerive(f *testing.F) {
	for _, payload := range []string{
		`{}`, `{"raw_url":"/%00?\ud800","body":{"a":[1,"\\"]},"headers":{"\u0041":["x",{"y":"z"}]},"user_agent":"\"\\"}`, `{"headers":"a","body":"{\"a\":"}`,
		`{"body":"<a b='c'><![CDATA[d"}`, `{"body":"--x\r\nA: b; name=\"c\"\r\n\r\nd--x"}`, `{"raw_url":"?a=b&c&=","headers":{"cookie":"a; b=YWJjZGVmZ2hp"}}`,
	} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if !json.Valid(payload) {
			t.Skip()
		}
		members, err := match.NewScratch().AppendMembers(nil, payload)
		if err != nil {
			t.Skip()
		}
		out := derive.Of("http_request")([]byte(`{"":0`), members)
		if !json.Valid(append(out, '}')) {
			t.Errorf("derived from %q: %q", payload, out)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	for name, payload := range map[string]string{
		"browser": `{"method":"GET","raw_url":"/blog/tags/firewall?page=2&sort=date","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0","headers":{"Accept":"text/html","Accept-Language":"en","Cookie":"sid=4f1c2a; theme=dark","Referer":"https://www.example.net/blog/"}}`,
		"attack":  `{"method":"GET","raw_url":"/item?id=-1%27%20union/**/select+1,2,concat(0x7e,version())--%20","user_agent":"Mozilla/5.0","headers":{"Cookie":"c='a't"}}`,
	} {
		b.Run(name, func(b *testing.B) {
			members, err := match.NewScratch().AppendMembers(nil, []byte(payload))
			if err != nil {
				b.Fatal(err)
			}
			f := derive.Of("http_request")
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = f(dst[:0], members)
			}
		})
	}
}
