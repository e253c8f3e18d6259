package match

// A Kind says what a Node is.
type Kind uint8

// The kinds of nodes: the four scalars, and what holds others.
const (
	Null Kind = iota
	Bool
	Number
	Text
	List
	Map
)

// A Pos is a place in a file. Line and Col count from 1; the zero Pos is no place.
type Pos struct{ Line, Col int }

// A Node is a piece of a detection as its file has it. Compile keeps no node.
type Node struct {
	Kind  Kind
	Pos   Pos
	Text  string  // of a scalar: a text without its quotes, a number as written, "true" or "false"
	Keys  []*Node // of a map
	Items []*Node // of a list its items, of a map the values, one per key
}

// String is what people call such a node.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "truth value"
	case Number:
		return "number"
	case Text:
		return "text"
	case List:
		return "list"
	default:
		return "mapping"
	}
}
