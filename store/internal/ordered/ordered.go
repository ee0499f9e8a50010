// Package ordered checks that the rows of a dump come in the order of
// [store.Dumper], on which the loading of them relies.
package ordered

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"kith"
	"kith/store"
)

// Rows yields rows, and an error in the place of the first that is out of order.
func Rows(rows iter.Seq2[store.Row, error]) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		var c checker
		for row, err := range rows {
			if err == nil {
				err = c.check(row)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

type checker struct {
	kind    int // index in store.RowKinds
	last    kith.ID
	persons bool // have begun
}

func (c *checker) check(row store.Row) error {
	kind := slices.Index(store.RowKinds, row.Kind())
	if kind < c.kind {
		return fmt.Errorf("a row of kind %s comes after one of kind %s", row.Kind(), store.RowKinds[c.kind])
	}
	if kind > c.kind {
		c.kind, c.last = kind, kith.ID{}
	}
	switch r := row.(type) {
	case *store.ContactRow:
		if c.persons && r.Type == kith.Company {
			return fmt.Errorf("company %s comes after a person", r.ID)
		}
		if !c.persons && r.Type == kith.Person {
			c.persons, c.last = true, kith.ID{}
		}
		return c.rises(row, r.ID)
	case *store.InteractionRow:
		return c.rises(row, r.ID)
	}
	return nil
}

func (c *checker) rises(row store.Row, id kith.ID) error {
	if bytes.Compare(id[:], c.last[:]) <= 0 {
		return fmt.Errorf("%s %s comes after %s", row.Kind(), id, c.last)
	}
	c.last = id
	return nil
}
