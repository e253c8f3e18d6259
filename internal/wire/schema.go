package wire

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/hamba/avro/v2"
	"github.com/hamba/avro/v2/pkg/crc64"

	"ttpworker/schemas"
)

// A Record is one of the five kinds of records, by the full name of its schema.
type Record string

// The records.
const (
	EventRecord        Record = "ttp.TaggerEvent"
	TagRecord          Record = "ttp.Tag"
	RuleReloadedRecord Record = "ttp.RuleReloaded"
	RuleStateRecord    Record = "ttp.RuleState"
	RuleArchiveRecord  Record = "ttp.RuleArchive"
)

// Records lists them.
func Records() []Record {
	return []Record{EventRecord, TagRecord, RuleReloadedRecord, RuleStateRecord, RuleArchiveRecord}
}

// SchemaText is the Avro schema that records are written under, "" for a record that there is not.
func SchemaText(r Record) string {
	switch r {
	case EventRecord:
		return schemas.TaggerEvent()
	case TagRecord:
		return schemas.Tag()
	case RuleReloadedRecord:
		return schemas.RuleReloaded()
	case RuleStateRecord:
		return schemas.RuleState()
	case RuleArchiveRecord:
		return schemas.RuleArchive()
	}
	return ""
}

// A fingerprint is the CRC-64-AVRO of a schema, least significant byte first, as it stands in a record.
type fingerprint [8]byte

// String is the fingerprint in 16 hexadecimal digits, in the order of the bytes in a record.
func (f fingerprint) String() string { return hex.EncodeToString(f[:]) }

// A schema is what reading and writing a record needs of its Avro schema.
type schema struct {
	record Record
	parsed *avro.RecordSchema
	print  fingerprint // what we write
	alias  fingerprint // what else we read: see specPrint
	fields []string    // names in order: the members of the JSON form, too
}

// released lists the schemas that bytes may have been written under: one of each record, as there is but one version
// so far. The next version of a record adds its text here and keeps the old one.
func released() ([]*schema, error) {
	var all []*schema
	for _, r := range Records() {
		s, err := parseSchema(SchemaText(r))
		if err != nil {
			return nil, fmt.Errorf("parsing an embedded schema: %w", err)
		}
		all = append(all, s)
	}
	return all, nil
}

func parseSchema(text string) (*schema, error) {
	parsed, err := avro.ParseWithCache(text, "", &avro.SchemaCache{})
	if err != nil {
		return nil, err
	}
	rec, ok := parsed.(*avro.RecordSchema)
	if !ok {
		return nil, fmt.Errorf("the schema is of type %s, want a record", parsed.Type())
	}
	sum, err := rec.FingerprintUsing(avro.CRC64AvroLE)
	if err != nil {
		return nil, fmt.Errorf("fingerprint of schema %s: %w", rec.FullName(), err)
	}
	s := &schema{record: Record(rec.FullName()), parsed: rec, print: fingerprint(sum), alias: specPrint(rec)}
	for _, f := range rec.Fields() {
		s.fields = append(s.fields, f.Name())
	}
	return s, nil
}

// specPrint is the fingerprint that other Avro libraries compute. The specification's canonical form has no
// logical types; the library's keeps them, so that its fingerprint of a schema with timestamps is another one.
// Sensors are written in many languages, so both are read.
func specPrint(rec *avro.RecordSchema) fingerprint {
	const micros = `{"type":"long","logicalType":"timestamp-micros"}`
	canonical := strings.ReplaceAll(rec.String(), micros, `"long"`)
	return crc64.SumWithByteOrder([]byte(canonical), crc64.LittleEndian)
}
