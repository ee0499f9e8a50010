package kith

// Revision is what a review made of an interaction on file: it stays as it is,
// changes, or goes.
type Revision struct {
	// Drop says why it is to go; "" lets it stay.
	Drop Reason
	// Now is what it is to be; nil changes nothing.
	Now *Interaction
}
