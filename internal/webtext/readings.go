package webtext

import "bytes"

// Plain appends decoded text as a parser reads it: comments of SQL, C and shells as blanks (the text of /*! */, which MySQL
// runs, stays), each run of white space as one blank, each backslash as a slash.
func Plain(dst, text []byte) []byte {
	blank := false // dst ends in the blank of a run
	space := func() {
		if !blank {
			dst, blank = append(dst, ' '), true
		}
	}
	closed := bytes.LastIndex(text, []byte("*/")) // no comment that begins behind it ends
	line := bytes.LastIndexByte(text, '\n')
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '/' && i+2 < len(text) && text[i+1] == '*' && text[i+2] == '!' && i < closed:
			i += 3
			for i < len(text) && '0' <= text[i] && text[i] <= '9' { // of the version
				i++
			}
			space()
			continue
		case c == '/' && i+1 < len(text) && text[i+1] == '*' && i+2 <= closed:
			space()
			i += 2 + bytes.Index(text[i+2:], []byte("*/")) + 2
			continue
		case c == '*' && i+1 < len(text) && text[i+1] == '/':
			space()
			i += 2
			continue
		case i < line && (c == '#' || c == '-' && text[i+1] == '-'):
			space()
			i += bytes.IndexByte(text[i:], '\n') + 1
			continue
		case isSpace(c):
			space()
			i++
			continue
		case c == '\\':
			c = '/'
		}
		dst, blank = append(dst, c), false
		i++
	}
	return dst
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// Shell appends decoded text as a shell reads its words: quotes, backslashes, carets and expansions to nothing ($@, $1, $(),
// two backticks, an unset variable within a word) gone, [x] as x, and $IFS and the commas of {cat,file} as blanks.
func Shell(dst, text []byte) []byte {
	begin := len(dst)
	for i := 0; i < len(text); {
		c := text[i]
		switch c {
		case '\'', '"', '\\', '^':
			i++
			continue
		case '`':
			if i+1 < len(text) && text[i+1] == '`' {
				i += 2
				continue
			}
		case '[':
			if i+2 < len(text) && text[i+2] == ']' && isWord(text[i+1]) {
				dst = append(dst, text[i+1])
				i += 3
				continue
			}
		case '{':
			if n := braces(text[i+1:]); n > 0 {
				for _, c := range text[i+1 : i+1+n] {
					if c == ',' {
						c = ' '
					}
					dst = append(dst, c)
				}
				i += n + 2
				continue
			}
		case '$':
			within := len(dst) > begin && (isWord(dst[len(dst)-1]) || dst[len(dst)-1] == '/')
			if n, as := expansion(text[i+1:], within); n > 0 {
				dst = append(dst, as...)
				i += 1 + n
				continue
			}
		}
		dst = append(dst, c)
		i++
	}
	return dst
}

// maxExpansion bounds ${IFS...}, ${name} and {a,b}, in bytes.
const maxExpansion = 64

// expansion is how many bytes behind a $ belong to an expansion that yields nothing or a blank, and what it yields; within
// says that the $ stands behind a part of a word.
func expansion(text []byte, within bool) (n int, as string) {
	switch {
	case len(text) == 0:
		return 0, ""
	case bytes.HasPrefix(text, []byte("IFS")):
		if n = 3; bytes.HasPrefix(text[n:], []byte("$9")) {
			n += 2
		}
		return n, " "
	case bytes.HasPrefix(text, []byte("{IFS")):
		return bytes.IndexByte(text[:min(len(text), maxExpansion)], '}') + 1, " "
	case text[0] == '@' || text[0] == '*' || text[0] == '!' || '0' <= text[0] && text[0] <= '9':
		return 1, ""
	case bytes.HasPrefix(text, []byte("()")):
		return 2, ""
	case !within:
		return 0, ""
	}
	brace := 0
	if text[0] == '{' {
		brace = 1
	}
	n = brace
	for n < len(text) && n < maxExpansion && isWord(text[n]) {
		n++
	}
	if brace == 1 {
		if n == 1 || n == len(text) || text[n] != '}' {
			return 0, ""
		}
		return n + 1, ""
	}
	return n, ""
}

// braces is how many bytes behind a { belong to a list of words with commas between them, before its }; 0 for none.
func braces(text []byte) int {
	comma := false
	for i, c := range text[:min(len(text), maxExpansion)] {
		switch {
		case c == '}' && comma:
			return i
		case c == ',':
			comma = true
		case !isWord(c) && c != '-' && c != '/' && c != '.':
			return 0
		}
	}
	return 0
}

func isWord(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_'
}
