package wire

import (
	"errors"
	"slices"

	"github.com/hamba/avro/v2"
)

// skip makes the skipper of one value.
func (r *resolver) skip(field string, writer avro.Schema) (skipper, error) {
	if r.depth++; r.depth > maxSchemaDepth {
		return nil, errors.New("types nest too deep")
	}
	defer func() { r.depth-- }()
	if r.empty(writer) {
		return func(*cursor, int) {}, nil
	}
	switch s := named(writer).(type) {
	case *avro.PrimitiveSchema:
		return skipPrimitive(field, s.Type()), nil
	case *avro.EnumSchema:
		symbols := len(s.Symbols())
		return func(c *cursor, _ int) { c.branch(field, symbols) }, nil
	case *avro.FixedSchema:
		return func(c *cursor, _ int) { c.take(field, s.Size()) }, nil
	case *avro.UnionSchema:
		return r.skipUnion(field, s)
	case *avro.ArraySchema:
		item, err := r.skip(field, s.Items())
		return skipItems(field, item, r.empty(s.Items())), err
	case *avro.MapSchema:
		value, err := r.skip(field, s.Values())
		entry := func(c *cursor, depth int) {
			c.view(field)
			value(c, depth)
		}
		return skipItems(field, entry, false), err
	case *avro.RecordSchema:
		return r.skipRecord(field, s)
	}
	return nil, errors.New(field + ": type " + string(writer.Type()) + " is not known here")
}

func skipPrimitive(field string, t avro.Type) skipper {
	switch t {
	case avro.Boolean:
		return func(c *cursor, _ int) { c.take(field, 1) }
	case avro.Float:
		return func(c *cursor, _ int) { c.take(field, 4) }
	case avro.Double:
		return func(c *cursor, _ int) { c.take(field, 8) }
	case avro.String, avro.Bytes:
		return func(c *cursor, _ int) { c.view(field) }
	default: // int and long
		return func(c *cursor, _ int) { c.long(field) }
	}
}

func (r *resolver) skipUnion(field string, s *avro.UnionSchema) (skipper, error) {
	var branches []skipper
	for _, t := range s.Types() {
		branch, err := r.skip(field, t)
		if err != nil {
			return nil, err
		}
		branches = append(branches, branch)
	}
	return func(c *cursor, depth int) {
		if n, ok := c.branch(field, len(branches)); ok {
			branches[n](c, depth)
		}
	}, nil
}

// skipItems passes over an array or a map. Items of no length are not counted off: there may be any number of them.
func skipItems(field string, item skipper, none bool) skipper {
	return func(c *cursor, depth int) {
		if depth >= maxSchemaDepth {
			c.broken(field, "nests deeper than %d", maxSchemaDepth)
		}
		if none {
			for c.err == nil && c.count(field) != 0 { //nolint:revive // there is nothing to read
			}
			return
		}
		for count := c.block(field); count > 0; count = c.block(field) {
			for ; count > 0 && c.err == nil; count-- {
				item(c, depth+1)
			}
		}
	}
}

// skipRecord is made once per name: a record may hold records of its own kind.
func (r *resolver) skipRecord(field string, s *avro.RecordSchema) (skipper, error) {
	made, known := r.skips[s.FullName()]
	if !known {
		made = new(skipper)
		r.skips[s.FullName()] = made
		var fields []skipper
		for _, f := range s.Fields() {
			skip, err := r.skip(field, f.Type())
			if err != nil {
				return nil, err
			}
			fields = append(fields, skip)
		}
		*made = func(c *cursor, depth int) {
			if depth >= maxSchemaDepth {
				c.broken(field, "nests deeper than %d", maxSchemaDepth)
			}
			for i := 0; i < len(fields) && c.err == nil; i++ {
				fields[i](c, depth+1)
			}
		}
	}
	return func(c *cursor, depth int) { (*made)(c, depth) }, nil
}

// empty reports whether values of a type take no bytes. They are never gone through: a record of two records of two
// records and so on could hold more of them than there is time. A record that holds itself has no end, and counts as
// not empty.
func (r *resolver) empty(s avro.Schema) bool {
	switch s := named(s).(type) {
	case *avro.NullSchema:
		return true
	case *avro.FixedSchema:
		return s.Size() == 0
	case *avro.RecordSchema:
		if _, known := r.empties[s.FullName()]; !known {
			r.empties[s.FullName()] = false
			r.empties[s.FullName()] = !slices.ContainsFunc(s.Fields(), func(f *avro.Field) bool { return !r.empty(f.Type()) })
		}
		return r.empties[s.FullName()]
	}
	return false
}
