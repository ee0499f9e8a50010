package capture_test

import (
	"reflect"
	"testing"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
)

const dirty = "a\x00\xff"

// fill makes all text dirty, but for kith's own words, which are types of their
// own.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for n := range v.NumField() {
			if f := v.Field(n); f.CanSet() {
				fill(f)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString(dirty)
		}
	}
}

// count tells how much text is dirty.
func count(v reflect.Value) (bad int) {
	add := func(v reflect.Value) { bad += count(v) }
	switch v.Kind() {
	case reflect.Pointer:
		add(v.Elem())
	case reflect.Struct:
		for n := range v.NumField() {
			add(v.Field(n))
		}
	case reflect.Slice:
		for n := range v.Len() {
			add(v.Index(n))
		}
	case reflect.String:
		if store.Clean(v.String()) != v.String() {
			bad++
		}
	}
	return bad
}

func TestCleanMissesNothing(t *testing.T) {
	var rec kith.Recording
	fill(reflect.ValueOf(&rec).Elem())
	i := rec.Captured[0].Interaction
	// Recipients of a report are not stored; links show names from elsewhere, and evidence is the store's.
	rec.Bounced[0].Recipients, rec.Bounced[0].Action = nil, ""
	i.Evidence, i.Links[0].ContactName, i.Thread = nil, "", ""
	before := count(reflect.ValueOf(rec))
	if before < 40 {
		t.Fatalf("only %d texts are dirty", before)
	}
	cleaned := capture.Clean(rec)
	if bad := count(reflect.ValueOf(cleaned)); bad != 0 {
		t.Errorf("%d texts are dirty still: %+v, %+v", bad, cleaned, cleaned.Captured[0].Interaction)
	}
	if after := count(reflect.ValueOf(rec)); after != before {
		t.Errorf("Clean changed what it was given: %d dirty texts, before %d", after, before)
	}
	again := capture.Clean(cleaned)
	if again.Captured[0].Interaction != cleaned.Captured[0].Interaction {
		t.Error("what is clean was copied")
	}
}
