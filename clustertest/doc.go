// Package clustertest tries what happens to an organisation's register when daemons,
// the database and what is between them fail: with real processes, and at the end by the
// one thing that counts, a comparison of the register, row for row, with that of a daemon
// that nothing happened to.
//
// The tests run in a short form with all others. make test-cluster runs them at full length.
package clustertest
