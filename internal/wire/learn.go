package wire

import (
	"errors"
	"fmt"
	"maps"
	"strings"
)

// A SchemaRef names the schema that a record was written under the way the record does: by the id that a schema
// registry has given it, or by its fingerprint. It is comparable.
type SchemaRef struct {
	id      uint32
	print   fingerprint
	byPrint bool
}

// RefByID names the schema that a registry has under id.
func RefByID(id uint32) SchemaRef { return SchemaRef{id: id} }

// ID is the registry's id; ok is false for a schema that is named by its fingerprint.
func (r SchemaRef) ID() (id uint32, ok bool) { return r.id, !r.byPrint }

// String is such as "schema id 7" or "fingerprint f12cf630c852d04f".
func (r SchemaRef) String() string {
	if r.byPrint {
		return "fingerprint " + r.print.String()
	}
	return fmt.Sprintf("schema id %d", r.id)
}

// A MissingSchemaError says that a record was written under a schema that the decoder has not been told of. Once it
// has learned the schema, the same record may be read.
type MissingSchemaError struct{ Ref SchemaRef }

// Error speaks to those who have no registry: with one, whoever asks it says what it said.
func (e *MissingSchemaError) Error() string {
	if e.Ref.byPrint {
		return "no schema has the " + e.Ref.String()
	}
	return e.Ref.String() + ": no schema registry is configured"
}

// A writer is what a decoder knows of a schema that records were written under. It never changes.
type writer struct {
	record    Record
	translate *translation // of its data into ours; nil = they are alike
	origin    string       // where the schema was found; "" for a released one
	fault     error        // why its records cannot be read; nil = they can
}

func (w *writer) from() string {
	if w.origin == "" {
		return ""
	}
	return " (" + w.origin + ")"
}

// Learn has records that name ref read as written under the schema text, for ever. The schema need not be a released
// one: Avro's rules of schema resolution say what its data mean under ours. Where they cannot, records that name ref
// are faults of class UnknownSchema that say so, with origin, and Learn returns what is wrong. What is known already
// stays.
func (d *Decoder) Learn(ref SchemaRef, origin, text string) error {
	w, err := d.parse(text)
	if err != nil {
		return d.Refuse(ref, origin, err)
	}
	w.origin = origin
	d.know(ref, w)
	return nil
}

// Refuse has records that name ref be faults of class UnknownSchema, for ever, with origin and why. It returns why.
func (d *Decoder) Refuse(ref SchemaRef, origin string, why error) error {
	d.know(ref, &writer{origin: origin, fault: why})
	return why
}

// Readable says why data under the schema text cannot be read as r, nil if they can.
func (d *Decoder) Readable(r Record, text string) error {
	w, err := d.parse(text)
	if err == nil && w.record != r {
		err = fmt.Errorf("it is that of %s, want %s", w.record, r)
	}
	return err
}

// Knows reports whether the decoder has learned or refused ref.
func (d *Decoder) Knows(ref SchemaRef) bool { return d.writer(ref) != nil }

// Missing is the schema that value names, if the decoder does not know it.
func (d *Decoder) Missing(value []byte) (ref SchemaRef, missing bool) {
	switch {
	case len(value) >= confluentHeader && value[0] == magicConfluent:
	case len(value) >= singleObjectHeader && [2]byte(value) == magicSingleObject:
	default:
		return SchemaRef{}, false
	}
	ref = refOf(value)
	return ref, !d.Knows(ref)
}

func (d *Decoder) writer(ref SchemaRef) *writer {
	if ref.byPrint {
		return (*d.prints.Load())[ref.print]
	}
	return (*d.ids.Load())[ref.id]
}

// Refs are the fingerprints that records may name the schema text by: Avro libraries do not agree on one.
func Refs(text string) ([]SchemaRef, error) {
	s, err := parseSchema(text)
	if err != nil {
		return nil, err
	}
	return []SchemaRef{{print: s.print, byPrint: true}, {print: s.alias, byPrint: true}}, nil
}

// cut shortens an error of the library, which repeats the schema.
func cut(text string) string {
	const most = 200
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

func (d *Decoder) know(ref SchemaRef, w *writer) {
	d.learning.Lock()
	defer d.learning.Unlock()
	if d.Knows(ref) {
		return
	}
	if ref.byPrint {
		prints := maps.Clone(*d.prints.Load())
		prints[ref.print] = w
		d.prints.Store(&prints)
		return
	}
	ids := maps.Clone(*d.ids.Load())
	ids[ref.id] = w
	d.ids.Store(&ids)
}

// parse finds out what data under the schema text mean to us.
func (d *Decoder) parse(text string) (*writer, error) {
	s, err := parseSchema(text)
	if err != nil {
		return nil, errors.New("no Avro schema of a record: " + cut(err.Error()))
	}
	return d.writerOf(s)
}

// writerOf compares a schema with the released ones.
func (d *Decoder) writerOf(s *schema) (*writer, error) {
	for _, ours := range d.schemas {
		if s.print == ours.print || s.print == ours.alias {
			return &writer{record: ours.record}, nil
		}
	}
	for _, ours := range d.schemas {
		if ours.parsed.Name() != s.parsed.Name() {
			continue
		}
		t, err := translationOf(ours.parsed, s.parsed)
		if err != nil {
			return nil, fmt.Errorf("its data cannot be read as %s: %w", ours.record, err)
		}
		return &writer{record: ours.record, translate: t}, nil
	}
	var names []string
	for _, r := range Records() {
		names = append(names, string(r))
	}
	return nil, fmt.Errorf("the record %.100q is none of %s", s.record, strings.Join(names, ", "))
}
