package match

import (
	"strings"

	"pgregory.net/rapid"
)

// wordsOfDetections are few, so that detections and payloads meet.
var wordsOfDetections = []string{
	"", "a", "b", "ab", "ba", "abc", "cab", "A", "AB", "aB", "k", "\u212a", "s\u017f", "\u00e4", "\u00c4b", "\U0001f600", "-a", "/b", " -a", "\ufffd", "\x00", "1", "1.5", "100", "-1", "true", "null",
	"abcdefgh", "abcdefghABCDEFGHabcdefgh", "10.0.0.1", "::ffff:10.1.2.3", "fe80::1", "2024-02-29T13:07:59Z", "YWJj", "*", "?", `\`, "a*b", "0", "root",
}

var (
	fieldsOfDetections = []string{"a", "b", "c", "a.b", "a.b.c", "b.a", "z.z", "\u00e4", "a.a", "Renamed"}
	selectionNames     = []string{"s1", "s2", "s3", "_t", "t1"}
)

// randomDetection is the node of a detection with any of the constructs. Most compile.
func randomDetection() *rapid.Generator[*Node] {
	return rapid.Custom(func(t *rapid.T) *Node {
		n := &Node{Kind: Map}
		names := selectionNames[:rapid.IntRange(1, len(selectionNames)).Draw(t, "selections")]
		for _, name := range names {
			n.Keys = append(n.Keys, textNode(name))
			n.Items = append(n.Items, drawSelection(t))
		}
		n.Keys = append(n.Keys, textNode("condition"))
		n.Items = append(n.Items, drawConditions(t, names))
		return n
	})
}

func textNode(s string) *Node { return &Node{Kind: Text, Text: s} }

func drawSelection(t *rapid.T) *Node {
	switch rapid.IntRange(0, 5).Draw(t, "form") {
	case 0: // keywords
		return &Node{Kind: List, Items: []*Node{drawPlain(t), drawPlain(t)}}
	case 1:
		return &Node{Kind: List, Items: []*Node{drawMapping(t), drawMapping(t)}}
	default:
		return drawMapping(t)
	}
}

func drawMapping(t *rapid.T) *Node {
	n := &Node{Kind: Map}
	for range rapid.IntRange(1, 2).Draw(t, "items") {
		key, value := drawItem(t)
		n.Keys, n.Items = append(n.Keys, textNode(key)), append(n.Items, value)
	}
	return n
}

// drawItem is a key and values that suit its modifiers.
func drawItem(t *rapid.T) (key string, value *Node) {
	field := rapid.SampledFrom(fieldsOfDetections).Draw(t, "field")
	pick := func(s ...string) string { return rapid.SampledFrom(s).Draw(t, "modifiers") }
	list := func(draw func(*rapid.T) *Node) *Node {
		n := &Node{Kind: List}
		for range rapid.IntRange(1, 3).Draw(t, "values") {
			n.Items = append(n.Items, draw(t))
		}
		return n
	}
	from := func(texts ...string) func(*rapid.T) *Node {
		return func(t *rapid.T) *Node { return textNode(rapid.SampledFrom(texts).Draw(t, "value")) }
	}
	more := pick("", "", "", "|neq", "|all", "|all|neq")
	switch rapid.IntRange(0, 13).Draw(t, "item") {
	case 0:
		return field + pick("", "|neq", "|all"), rapid.SampledFrom([]*Node{{Kind: Null}, {Kind: List, Items: []*Node{{Kind: Null}, textNode("a")}}}).Draw(t, "null")
	case 1:
		return field + "|exists" + pick("", "|neq"), &Node{Kind: Bool, Text: pick("true", "false")}
	case 2:
		flags := pick("", "|i", "|s", "|m", "|i|m|s")
		return pick(field, "") + "|re" + flags + more, list(from("a", "^a", "b$", "a.b", "^$", "[a-c]+", "k", "1", "^[^a]*$", "(ab|ba)c?", `\x{fffd}`, "\u00e4", `^.$`, `\bab\b`, "^true|null$"))
	case 3:
		return field + "|cidr" + more, list(from("10.0.0.0/8", "0.0.0.0/0", "fe80::/10", "::/0", "10.0.0.1/32"))
	case 4:
		return field + pick("|lt", "|lte", "|gt", "|gte") + more, list(from("1", "1.5", "100", "-1", "1e2", "0"))
	case 5:
		return field + pick("|fieldref", "|fieldref|contains", "|startswith|fieldref", "|fieldref|endswith|cased", "|fieldref|cased") + more, list(from(fieldsOfDetections...))
	case 6:
		return field + pick("|minute", "|hour", "|day", "|week", "|month", "|year") + pick("", "|lt", "|gte") + more, list(from("7", "13", "29", "9", "2", "2024"))
	case 7:
		return pick(field, "") + pick("|base64", "|base64offset|contains", "|wide|base64offset|contains", "|wide|contains", "|utf16|contains|cased", "|utf16be|startswith", "|utf16le") + more, list(from("abc", "ab", "\u00e4", "\u00a9", "abcd"))
	case 8:
		return pick(field, "") + pick("|expand", "|expand|contains", "|contains|expand|windash", "|expand|endswith") + more, list(from("%admins%", "a%hosts%", "%none%", "%dashes%", "100%", `\%`))
	case 9:
		return pick("", "|cased", "|contains", "|windash", "|startswith", "|endswith|cased") + more, list(drawPlain)
	default:
		return field + pick("", "", "|contains", "|startswith", "|endswith", "|windash|contains", "|contains|windash") + pick("", "", "", "|cased") + more, list(drawPlain)
	}
}

// drawPlain is a text with wildcards, a number or a truth value.
func drawPlain(t *rapid.T) *Node {
	switch rapid.IntRange(0, 9).Draw(t, "plain") {
	case 0:
		return &Node{Kind: Number, Text: rapid.SampledFrom([]string{"1", "1.50", "100", "1e2", "-1", "-0", "0x64", "9007199254740993"}).Draw(t, "number")}
	case 1:
		return &Node{Kind: Bool, Text: rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")}
	case 2, 3, 4:
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "*", "?", "*", "?", `\*`, `\?`, `\\`, `\`, "ab", "\u00e4", "k"}), 0, 6).Draw(t, "parts")
		return textNode(strings.Join(parts, ""))
	default:
		return textNode(rapid.SampledFrom(wordsOfDetections).Draw(t, "word"))
	}
}

func drawConditions(t *rapid.T, names []string) *Node {
	if rapid.IntRange(0, 9).Draw(t, "list of conditions") > 0 {
		return textNode(drawCondition(t, names, 3))
	}
	return &Node{Kind: List, Items: []*Node{textNode(drawCondition(t, names, 2)), textNode(drawCondition(t, names, 2))}}
}

func drawCondition(t *rapid.T, names []string, depth int) string {
	kind := rapid.IntRange(0, 8).Draw(t, "condition")
	if depth == 0 {
		kind = 8
	}
	below := func() string { return drawCondition(t, names, depth-1) }
	switch kind {
	case 0, 1:
		return below() + " and " + below()
	case 2, 3:
		return below() + " or " + below()
	case 4:
		return "not " + below()
	case 5:
		return "(" + below() + ")"
	case 6:
		return rapid.SampledFrom([]string{"1 of s*", "all of s*", "1 of them", "all of them", "1 of *", "all of s1"}).Draw(t, "quantity")
	default:
		return rapid.SampledFrom(names).Draw(t, "name")
	}
}
