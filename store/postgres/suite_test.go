package postgres_test

import (
	"testing"

	"kith/store"
	"kith/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t) })
}
