package wire

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"
)

// chunkBytes is how much of a datum is copied at a time for its texts at the most, in bytes: the identifiers of an event
// fit, so they cost one allocation together.
const chunkBytes = 512

// A cursor is the source of an Avro datum. It compares every length with what is left before it takes anything,
// so what it allocates is bounded by the length of the datum. encoding/binary's signed varints are Avro's.
type cursor struct {
	buf   []byte
	off   int
	err   *Error
	chunk string // copy of the bytes from base on, which texts are cut from
	base  int
	ahead int // where the texts end that the datum begins with, as far as is known: no more is copied for them
}

// eventTexts is where the identifiers end that the datum of an event begins with; 0 if something is wrong with them.
func eventTexts(datum []byte) int {
	c := cursor{buf: datum}
	for i := range 6 { // the last four may be null
		if i < 2 || !c.null("") {
			c.view("")
		}
	}
	if c.err != nil {
		return 0
	}
	return c.off
}

var _ source = (*cursor)(nil)

func (c *cursor) fault() error {
	if c.err == nil && c.off != len(c.buf) {
		c.broken("", "%d bytes follow the datum", len(c.buf)-c.off)
	}
	if c.err == nil {
		return nil
	}
	return c.err
}

// fail notes the first fault.
func (c *cursor) fail(class Class, field, format string, args ...any) {
	if c.err != nil {
		return
	}
	if field != "" {
		format = field + ": " + format
	}
	c.err = faultf(class, format, args...)
}

func (c *cursor) broken(field, format string, args ...any) {
	c.fail(Undecodable, field, format, args...)
}

func (c *cursor) long(field string) int64 {
	if c.err != nil {
		return 0
	}
	if c.off < len(c.buf) && c.buf[c.off] < 0x80 { // most numbers are lengths and branches of one byte
		v := int64(c.buf[c.off])
		c.off++
		return v>>1 ^ -(v & 1)
	}
	v, n := binary.Varint(c.buf[c.off:])
	if n <= 0 {
		if n == 0 {
			c.broken(field, "the datum ends at byte %d, inside a number", len(c.buf))
		} else {
			c.broken(field, "number at byte %d has more than 64 bits", c.off)
		}
		return 0
	}
	c.off += n
	return v
}

// view is a text without a copy, nor a look at its encoding.
func (c *cursor) view(field string) []byte {
	n := c.long(field)
	if c.err != nil {
		return nil
	}
	if left := len(c.buf) - c.off; n < 0 || n > int64(left) {
		c.broken(field, "length %d, but %d bytes are left", n, left)
		return nil
	}
	c.off += int(n)
	return c.buf[c.off-int(n) : c.off : c.off]
}

func (c *cursor) text(field string) string {
	view := c.view(field)
	if len(view) == 0 {
		return ""
	}
	if !utf8.Valid(view) {
		c.fail(BadField, field, "invalid UTF-8")
		return ""
	}
	lo, hi := c.off-len(view)-c.base, c.off-c.base
	if hi > len(c.chunk) {
		if len(view) > chunkBytes {
			return string(view)
		}
		c.base = c.off - len(view)
		end := min(len(c.buf), c.base+chunkBytes)
		if c.off <= c.ahead {
			end = min(end, c.ahead)
		}
		c.chunk = string(c.buf[c.base:end])
		lo, hi = 0, len(view)
	}
	return c.chunk[lo:hi]
}

// null reads the branch of a union of null and something, in this order, and reports whether it is null.
func (c *cursor) null(field string) bool {
	n, ok := c.branch(field, 2)
	return !ok || n == 0
}

func (c *cursor) optionalText(field string) string {
	if c.null(field) {
		return ""
	}
	return c.text(field)
}

func (c *cursor) time(field string) time.Time {
	n := c.long(field)
	if c.err != nil {
		return time.Time{}
	}
	t, err := timeOf(n)
	if err != nil {
		c.fail(BadField, field, "%w", err)
	}
	return t
}

func (c *cursor) optionalTime(field string) time.Time {
	if c.null(field) {
		return time.Time{}
	}
	return c.time(field)
}

func (c *cursor) double(field string) float64 {
	if c.err != nil {
		return 0
	}
	if left := len(c.buf) - c.off; left < 8 {
		c.broken(field, "a double takes 8 bytes, but %d are left", left)
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(c.buf[c.off:]))
	c.off += 8
	if math.IsNaN(f) || math.IsInf(f, 0) {
		c.fail(BadField, field, "%v is not a finite number", f)
		return 0
	}
	return f
}

func (c *cursor) optionalDouble(field string) *float64 {
	if c.null(field) {
		return nil
	}
	f := c.double(field)
	return &f
}

func (c *cursor) optionalInt(field string) *int {
	if c.null(field) {
		return nil
	}
	v := c.long(field)
	if v < math.MinInt32 || v > math.MaxInt32 {
		c.broken(field, "%d has more than 32 bits", v)
		return nil
	}
	n := int(v)
	return &n
}

func (c *cursor) object(field string) object { return object{text: c.view(field)} }

func (c *cursor) texts(field string) []string {
	list := []string{}
	c.items(field, func() { list = append(list, c.text(field)) })
	return list
}

func (c *cursor) each(field string, item func(source)) {
	c.items(field, func() { item(c) })
}

func (c *cursor) has(string) bool { return true }

// items calls item for every item of an array, until a fault.
func (c *cursor) items(field string, item func()) {
	for count := c.block(field); count > 0; count = c.block(field) {
		for ; count > 0 && c.err == nil; count-- {
			item()
		}
	}
}

// block begins a block of an array and returns how many items it has; 0 ends the array, or it is a fault. Items must
// take at least one byte each, as all of ours do, so that a count cannot be larger than what is left.
func (c *cursor) block(field string) int64 {
	count := c.count(field)
	if left := len(c.buf) - c.off; c.err == nil && (count < 0 || count > int64(left)) {
		c.broken(field, "%d items, but %d bytes are left", count, left)
	}
	if c.err != nil {
		return 0
	}
	return count
}

// count is the number of items of a block of any length. An array is a row of blocks, the last one empty; a negative
// count is followed by the block's length. The least number there is stays negative.
func (c *cursor) count(field string) int64 {
	count := c.long(field)
	if count < 0 {
		c.long(field)
		count = -count
	}
	return count
}

// branch reads which of n branches of a union, or symbols of an enum, there is.
func (c *cursor) branch(field string, n int) (int, bool) {
	i := c.long(field)
	if c.err == nil && (i < 0 || i >= int64(n)) {
		c.broken(field, "branch %d of a union of %d", i, n)
	}
	return int(i), c.err == nil
}

// take is the next n bytes, nil at a fault.
func (c *cursor) take(field string, n int) []byte {
	if c.err != nil {
		return nil
	}
	if left := len(c.buf) - c.off; left < n {
		c.broken(field, "%d bytes are to come, but %d are left", n, left)
		return nil
	}
	c.off += n
	return c.buf[c.off-n : c.off]
}
