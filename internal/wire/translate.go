package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/hamba/avro/v2"
)

// maxSchemaDepth bounds how deep types nest in a schema that is learned, and data in a part of a datum that is passed
// over.
const maxSchemaDepth = 64

// A translation turns a datum of another writer's schema into one of ours, after Avro's rules of schema resolution, as
// strictly as a cursor reads: no length is believed before it is compared with the bytes that are there, and what it
// writes is bounded by the length of the datum. The library could resolve schemas, too, but only with its own reader.
type translation struct{ convert converter }

// A converter reads one value of the writer from c and appends it as the reader's to dst.
type converter func(dst []byte, c *cursor) []byte

// A skipper passes over one value of the writer, with data below it up to depth.
type skipper func(c *cursor, depth int)

// translationOf finds out what data of the schema writer mean under reader, one of ours. The error says what they
// cannot mean, and where.
func translationOf(reader, writer *avro.RecordSchema) (*translation, error) {
	r := &resolver{skips: map[string]*skipper{}, empties: map[string]bool{}}
	convert, err := r.convertRecord("", reader, writer)
	if err != nil {
		return nil, err
	}
	return &translation{convert}, nil
}

// run translates a whole datum.
func (t *translation) run(datum []byte) ([]byte, error) {
	c := cursor{buf: datum}
	out := t.convert(make([]byte, 0, len(datum)+16), &c)
	if err := c.fault(); err != nil {
		return nil, err
	}
	return out, nil
}

// A resolver makes the parts of one translation.
type resolver struct {
	skips   map[string]*skipper // of records that are made already, or in the making, by full name
	empties map[string]bool     // of records: see empty
	depth   int
}

// convert makes the converter of one value. field is its path, for errors.
func (r *resolver) convert(field string, reader, writer avro.Schema) (converter, error) {
	if r.depth++; r.depth > maxSchemaDepth {
		return nil, errors.New("types nest too deep")
	}
	defer func() { r.depth-- }()
	reader, writer = named(reader), named(writer)
	if u, ok := reader.(*avro.UnionSchema); ok {
		return r.convertToUnion(field, u, writer)
	}
	if u, ok := writer.(*avro.UnionSchema); ok {
		return r.convertUnion(field, u, func(branch avro.Schema) (converter, error) { return r.convert(field, reader, branch) })
	}
	switch to := reader.(type) {
	case *avro.RecordSchema:
		if from, ok := writer.(*avro.RecordSchema); ok && from.Name() == to.Name() {
			return r.convertRecord(field, to, from)
		}
	case *avro.ArraySchema:
		if from, ok := writer.(*avro.ArraySchema); ok {
			return r.convertArray(field, to, from)
		}
	case *avro.PrimitiveSchema:
		if from, ok := writer.(*avro.PrimitiveSchema); ok {
			if c := convertPrimitive(field, to, from); c != nil {
				return c, nil
			}
		}
	}
	return nil, fmt.Errorf("%s: %s, want %s", field, describe(writer), describe(reader))
}

// named is the type behind a reference to it.
func named(s avro.Schema) avro.Schema {
	if ref, ok := s.(*avro.RefSchema); ok {
		return ref.Schema()
	}
	return s
}

// describe names a type for people.
func describe(s avro.Schema) string {
	if n, ok := s.(avro.NamedSchema); ok {
		return fmt.Sprintf("%s %.100s", s.Type(), n.FullName())
	}
	if l := logical(s); l != "" {
		return fmt.Sprintf("%s of logical type %s", s.Type(), l)
	}
	return string(s.Type())
}

func logical(s avro.Schema) avro.LogicalType {
	if p, ok := s.(*avro.PrimitiveSchema); ok && p.Logical() != nil {
		return p.Logical().Type()
	}
	return ""
}

// convertPrimitive is nil for types that do not go together.
func convertPrimitive(field string, reader, writer *avro.PrimitiveSchema) converter {
	whole := writer.Type() == avro.Int || writer.Type() == avro.Long
	scale, ok := scaleOf(logical(reader), logical(writer))
	switch to, from := reader.Type(), writer.Type(); {
	case to == avro.String && (from == avro.String || from == avro.Bytes && logical(writer) == ""):
		return func(dst []byte, c *cursor) []byte { return appendBytes(dst, c.view(field)) }
	case !ok:
		return nil
	case to == avro.Long && whole, to == avro.Int && from == avro.Int:
		return func(dst []byte, c *cursor) []byte { return binary.AppendVarint(dst, scaled(field, c, scale)) }
	case to == avro.Double && whole:
		return func(dst []byte, c *cursor) []byte { return appendDouble(dst, float64(c.long(field))) }
	case to == avro.Double && from == avro.Float:
		return func(dst []byte, c *cursor) []byte {
			if b := c.take(field, 4); b != nil {
				return appendDouble(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
			}
			return dst
		}
	case to == avro.Double && from == avro.Double:
		return func(dst []byte, c *cursor) []byte { return append(dst, c.take(field, 8)...) }
	}
	return nil
}

// scaleOf is how many of the reader's units one of the writer's is. Avro leaves it open what becomes of logical types
// when schemas are resolved. To take milliseconds for microseconds would be a wrong time that nobody notices; and what
// is no time of ours is refused.
func scaleOf(reader, writer avro.LogicalType) (scale int64, ok bool) {
	switch {
	case writer == reader, writer == "":
		return 1, true
	case reader == avro.TimestampMicros && writer == avro.TimestampMillis:
		return 1000, true
	}
	return 0, false
}

// scaled reads a number and multiplies it.
func scaled(field string, c *cursor, scale int64) int64 {
	n := c.long(field)
	if n > math.MaxInt64/scale || n < math.MinInt64/scale {
		c.fail(BadField, field, "%d milliseconds since 1970 is outside the years 1 to 9999", n)
		return 0
	}
	return n * scale
}

func appendBytes(dst, b []byte) []byte { return append(binary.AppendVarint(dst, int64(len(b))), b...) }

func appendDouble(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

// convertToUnion is for a reader's union: the first branch that the writer's type goes into.
func (r *resolver) convertToUnion(field string, reader *avro.UnionSchema, writer avro.Schema) (converter, error) {
	if u, ok := writer.(*avro.UnionSchema); ok {
		return r.convertUnion(field, u, func(branch avro.Schema) (converter, error) {
			return r.convertToUnion(field, reader, named(branch))
		})
	}
	var first error
	for i, branch := range reader.Types() {
		if branch.Type() == avro.Null && writer.Type() == avro.Null {
			return func(dst []byte, _ *cursor) []byte { return binary.AppendVarint(dst, int64(i)) }, nil
		}
		if branch.Type() == avro.Null {
			continue
		}
		convert, err := r.convert(field, branch, writer)
		if err == nil {
			return func(dst []byte, c *cursor) []byte { return convert(binary.AppendVarint(dst, int64(i)), c) }, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// convertUnion is for a writer's union: what branch makes of each.
func (r *resolver) convertUnion(field string, writer *avro.UnionSchema, branch func(avro.Schema) (converter, error)) (converter, error) {
	var branches []converter
	for _, t := range writer.Types() {
		convert, err := branch(t)
		if err != nil {
			return nil, err
		}
		branches = append(branches, convert)
	}
	return func(dst []byte, c *cursor) []byte {
		if n, ok := c.branch(field, len(branches)); ok {
			return branches[n](dst, c)
		}
		return dst
	}, nil
}

// convertArray keeps the writer's blocks.
func (r *resolver) convertArray(field string, reader, writer *avro.ArraySchema) (converter, error) {
	item, err := r.convert(field, reader.Items(), writer.Items())
	if err != nil {
		return nil, err
	}
	return func(dst []byte, c *cursor) []byte {
		for count := c.block(field); count > 0; count = c.block(field) {
			dst = binary.AppendVarint(dst, count)
			for ; count > 0 && c.err == nil; count-- {
				dst = item(dst, c)
			}
		}
		return append(dst, 0)
	}, nil
}

// A place is where a field of the reader comes from.
type place struct {
	writer  int       // number of the writer's field; -1 = the default
	convert converter // nil for the default
}

// convertRecord looks where the writer's fields are in a datum, and then reads them in the reader's order.
func (r *resolver) convertRecord(path string, reader, writer *avro.RecordSchema) (converter, error) {
	skips := make([]skipper, len(writer.Fields()))
	byName := map[string]int{}
	for i, f := range writer.Fields() {
		skip, err := r.skip(within(path, f.Name()), f.Type())
		if err != nil {
			return nil, err
		}
		skips[i], byName[f.Name()] = skip, i
	}
	var places []place
	var errs []error
	for _, f := range reader.Fields() {
		i, found := byName[f.Name()]
		switch {
		case found:
			convert, err := r.convert(within(path, f.Name()), f.Type(), writer.Fields()[i].Type())
			errs = append(errs, err)
			places = append(places, place{i, convert})
		case !f.HasDefault() || f.Default() != nil: // every default of ours is null, the first of its union
			errs = append(errs, fmt.Errorf("%s is missing and has no default", within(path, f.Name())))
		default:
			places = append(places, place{writer: -1})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return func(dst []byte, c *cursor) []byte {
		var few [32]int
		starts := few[:0]
		for _, skip := range skips {
			starts = append(starts, c.off)
			skip(c, 0)
		}
		end := c.off
		for _, p := range places {
			if p.writer < 0 {
				dst = append(dst, 0)
			} else if c.err == nil {
				c.off = starts[p.writer]
				dst = p.convert(dst, c)
			}
		}
		c.off = end
		return dst
	}, nil
}

// within is the path of a field of the record at path.
func within(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}
