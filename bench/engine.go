package main

import (
	"ttpworker/internal/match"
)

// An engine says which rules match a payload, by their places in the list it was loaded from, ascending. The slice is
// the engine's until the next call. It serves one goroutine.
type engine interface {
	Match(payload []byte) []int32
}

// A decoder is an engine that reads a payload as a step of its own, whose share can be told.
type decoder interface {
	decode(payload []byte) error
}

// indexed is the worker's index.
type indexed struct {
	index   *match.Index
	scratch *match.Scratch
}

func newIndexed(x *match.Index) *indexed { return &indexed{index: x, scratch: match.NewScratch()} }

func (e *indexed) Match(payload []byte) []int32 {
	ids, err := e.index.Match(payload, e.scratch)
	if err != nil {
		return nil
	}
	return ids
}

// plainScan is the reference: the same detections, each evaluated by itself.
type plainScan struct {
	detections []*match.Detection // nil for a rule that did not compile
	hits       []int32
}

func (e *plainScan) decode(payload []byte) error {
	_, err := match.ParseDocument(payload)
	return err
}

func (e *plainScan) Match(payload []byte) []int32 {
	e.hits = e.hits[:0]
	doc, err := match.ParseDocument(payload)
	if err != nil {
		return nil
	}
	for i, d := range e.detections {
		if d != nil && d.Match(doc) {
			e.hits = append(e.hits, int32(i))
		}
	}
	return e.hits
}

var (
	_ engine  = (*indexed)(nil)
	_ engine  = (*plainScan)(nil)
	_ engine  = (*goSigma)(nil)
	_ decoder = (*plainScan)(nil)
	_ decoder = (*goSigma)(nil)
)

// compileAll compiles the rules it can, nil in place of the others, which it counts.
func compileAll(sources []source) (detections []*match.Detection, bad int) {
	for _, s := range sources {
		d, err := match.Compile(node(s.detection), match.Options{})
		if err != nil {
			bad++
			d = nil
		}
		detections = append(detections, d)
	}
	return detections, bad
}

// build makes the index of detections, each under its place.
func build(detections []*match.Detection) (*match.Builder, *match.Index) {
	b := match.NewBuilder()
	for i, d := range detections {
		if d != nil {
			b.Put(int32(i), d)
		}
	}
	return b, b.Index()
}
