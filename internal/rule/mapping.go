package rule

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"ttpworker/internal/yamlx"
)

// maxMappingBytes bounds a mapping file.
const maxMappingBytes = 1 << 20

//go:embed sigma_mapping.yaml
var shippedMapping string

// A Mapping says which source kind and which payload fields a Sigma log source is here. The zero Mapping is empty: a
// kind is then the category, or product/service, and fields keep their names.
type Mapping struct{ entries []*mapEntry }

// A mapEntry is one entry of a mapping. Rules that it maps share it; nil is the entry of those that none maps.
type mapEntry struct {
	Logsource  logsource         `yaml:"logsource"`
	SourceKind string            `yaml:"source_kind"`
	Fields     map[string]string `yaml:"fields"`
}

// DefaultMapping is the mapping that comes with the worker.
func DefaultMapping() Mapping { return embeddedMapping() }

// embeddedMapping panics if the shipped mapping is broken, which a test rules out.
var embeddedMapping = sync.OnceValue(func() Mapping {
	m, err := ParseMapping("sigma_mapping.yaml", []byte(shippedMapping))
	if err != nil {
		panic("rule: shipped Sigma mapping: " + err.Error())
	}
	return m
})

// ParseMapping reads a mapping file. path is what errors say. The error joins one *Error per fault, in file order.
func ParseMapping(path string, data []byte) (Mapping, error) {
	doc, err := yamlx.Parse(data, maxMappingBytes)
	if err != nil {
		return Mapping{}, placed(path, err)
	}
	rep := newReport(doc)
	var m Mapping
	if err := doc.Decode(&m.entries); err != nil {
		rep.addAll(err)
	}
	for i, e := range m.entries {
		if e == nil {
			rep.fault(errors.New("entry is empty"), i)
			m.entries[i] = &mapEntry{}
			continue
		}
		if _, missing := doc.Find(i, "logsource"); missing {
			rep.fault(errors.New("logsource is missing; {} matches all"), i, "logsource")
		}
		if _, missing := doc.Find(i, "source_kind"); !missing && e.SourceKind == "" {
			rep.fault(errors.New("source_kind is empty"), i, "source_kind")
		}
		for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
			if !isPath(e.Fields[field]) {
				rep.fault(fmt.Errorf("%q is no dotted path", e.Fields[field]), i, "fields", field)
			}
		}
	}
	if err := rep.err(path, ""); err != nil {
		return Mapping{}, err
	}
	return m, nil
}

// Kinds are the source kinds that the entries name or leave as they are, in file order, each once.
func (m Mapping) Kinds() []string {
	var kinds []string
	for _, e := range m.entries {
		if kind := e.kindOf(e.Logsource); kind != "" && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// find returns the first entry that l matches, nil if there is none.
func (m Mapping) find(l logsource) *mapEntry {
	for _, e := range m.entries {
		if e.Logsource.covers(l) {
			return e
		}
	}
	return nil
}

// kindOf is the source kind of a logsource that e matches.
func (e *mapEntry) kindOf(l logsource) string {
	if e != nil && e.SourceKind != "" {
		return e.SourceKind
	}
	return l.kind()
}

// fields are the payload paths by field. The map is not to be changed.
func (e *mapEntry) fields() map[string]string {
	if e == nil {
		return nil
	}
	return e.Fields
}
