package shell

import (
	"bytes"
	"hash/maphash"
)

// fewTexts is how many texts are compared one by one before hashes are.
const fewTexts = 16

var seed = maphash.MakeSeed()

// A list is texts, each once.
type list struct {
	spans []span
	seen  map[uint64]int32 // where in spans, by hash; kept from fewTexts on
}

// add adds a text to a list, unless it is there.
func (p *Parser) add(which int, s span) {
	l := &p.lists[which]
	if s.from >= s.to || len(l.spans) == maxCommands {
		return
	}
	data := p.bytes(s)
	if len(l.spans) < fewTexts {
		for _, other := range l.spans {
			if other.to-other.from == s.to-s.from && bytes.Equal(p.bytes(other), data) {
				return
			}
		}
		l.spans = append(l.spans, s)
		return
	}
	if len(l.seen) == 0 {
		l.index(p)
	}
	h := maphash.Bytes(seed, data)
	if at, ok := l.seen[h]; ok && bytes.Equal(p.bytes(l.spans[at]), data) {
		return
	}
	l.seen[h] = int32(len(l.spans)) //nolint:gosec // at most maxCommands
	l.spans = append(l.spans, s)
}

// index makes seen of spans.
func (l *list) index(p *Parser) {
	if l.seen == nil {
		l.seen = make(map[uint64]int32, 2*fewTexts)
	}
	for i, s := range l.spans {
		l.seen[maphash.Bytes(seed, p.bytes(s))] = int32(i)
	}
}

// cut leaves the first n texts.
func (l *list) cut(_ *Parser, n int) {
	if len(l.spans) > n {
		l.spans = l.spans[:n]
		clear(l.seen) // made again when it is needed
	}
}
