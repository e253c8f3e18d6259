package pipeline

import (
	"errors"
	"fmt"

	"ttpworker/internal/consume"
	"ttpworker/internal/kafka"
	"ttpworker/internal/wire"
)

// Schemas finds the schemas that a decoder does not know and has it learn them. Seek does not block: a channel that is
// not nil is closed when it is worth another try. Otherwise the schema is given up; the error, if any, says why.
type Schemas interface {
	Seek(ref wire.SchemaRef) (<-chan struct{}, error)
}

// isHold reports whether err has a partition wait.
func isHold(err error) bool {
	_, ok := errors.AsType[*consume.HoldError](err)
	return ok
}

// seek is for the first of recs, which could not be decoded for err. If that is for want of a schema that somebody may
// have, its partition has to wait: the error is a *consume.HoldError. The schemas of the records behind it are asked for
// at the same time.
func (b *batch) seek(recs []kafka.Record, err error) error {
	missing, ok := errors.AsType[*wire.MissingSchemaError](err)
	if !ok {
		return err
	}
	rec, schemas := &recs[0], b.pipeline.schemas
	until, why := schemas.Seek(missing.Ref)
	switch {
	case until == nil && why == nil:
		return err
	case until == nil:
		return &wire.Error{Class: wire.UnknownSchema, Err: why}
	}
	for i := range recs {
		if ref, missing := b.pipeline.decoder.Missing(recs[i].Value); missing {
			_, _ = schemas.Seek(ref) // whoever reads that record asks again
		}
	}
	return &consume.HoldError{Topic: rec.Topic, Partition: rec.Partition, Until: until, Err: fmt.Errorf("%v is not known yet", missing.Ref)}
}
