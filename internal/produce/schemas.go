package produce

import (
	"context"
	"errors"

	"ttpworker/internal/wire"
)

// Schemas finds the schemas that a decoder does not know. Await returns when the decoder knows one, or with the reason
// why it is given up, or with ctx's error. A nil Schemas finds none.
type Schemas interface {
	Await(ctx context.Context, ref wire.SchemaRef) error
}

// decode reads a control record. Its schema is waited for: what an order says must not hang on whether the registry was
// there when a replica started.
func decode[T any](ctx context.Context, schemas Schemas, value []byte, read func([]byte) (T, error)) (T, error) {
	v, err := read(value)
	missing, ok := errors.AsType[*wire.MissingSchemaError](err)
	if !ok || schemas == nil {
		return v, err
	}
	if err := schemas.Await(ctx, missing.Ref); err != nil {
		return v, err
	}
	return read(value)
}
