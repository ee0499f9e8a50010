// Package syncer polls accounts: when each is due, the order of one poll, and
// what happens when one fails. It knows sources and the store by the interfaces
// it declares here.
package syncer
