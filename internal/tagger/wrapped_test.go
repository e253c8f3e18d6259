package tagger

import (
	"reflect"
	"testing"
)

// TestTaggerCannotBeRegisteredUnwrapped walks the types of a composite's fields: the only Tagger in them is the
// one inside tolerant, and there is no way to put one in but NewComposite.
func TestTaggerCannotBeRegisteredUnwrapped(t *testing.T) {
	t.Parallel()
	composite := reflect.TypeFor[Composite]()
	for f := range composite.Fields() {
		if f.IsExported() {
			t.Errorf("field %s is exported, so that other packages can set it", f.Name)
		}
	}
	for m := range reflect.TypeFor[*Composite]().Methods() {
		switch m.Name {
		case "AppendTags", "AppendWhole", "Kinds", "Name":
		default:
			t.Errorf("method %s: does it register a tagger? Then wrap it, and name it here", m.Name)
		}
	}
	found := 0
	walkTypes(composite, nil, func(holder, typ reflect.Type) {
		if !typ.Implements(reflect.TypeFor[Tagger]()) {
			return
		}
		found++
		if holder != reflect.TypeFor[tolerant]() {
			t.Errorf("%v holds a %v, want all of them inside tolerant", holder, typ)
		}
	})
	if found != 1 {
		t.Errorf("%d fields are taggers, want the one of tolerant", found)
	}
}

// walkTypes visits every type that a value of typ can reach, with the struct that holds it. Types of other packages
// are not entered.
func walkTypes(typ, holder reflect.Type, visit func(holder, typ reflect.Type)) {
	if holder != nil {
		visit(holder, typ)
	}
	switch typ.Kind() {
	case reflect.Struct:
		if typ.PkgPath() != reflect.TypeFor[Composite]().PkgPath() {
			return
		}
		for f := range typ.Fields() {
			walkTypes(f.Type, typ, visit)
		}
	case reflect.Map, reflect.Slice, reflect.Array, reflect.Pointer, reflect.Chan:
		walkTypes(typ.Elem(), holder, visit)
	default:
	}
}
