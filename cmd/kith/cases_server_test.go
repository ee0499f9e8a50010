package main

import (
	"slices"
	"sync"
	"testing"
)

func TestScriptedServers(t *testing.T) {
	t.Parallel()
	for _, c := range oddAnswers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.try(t)
		})
	}
	for _, c := range tlsFaults {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.try(t)
		})
	}
	for _, c := range slices.Concat(uidStories, sessionStories, loginStories) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.tell(t)
		})
	}
}

func TestServerFaults(t *testing.T) {
	t.Parallel()
	// They wait more than they work, so that all of them run at once.
	var running sync.WaitGroup
	for _, f := range serverFaults {
		running.Go(func() { t.Run(f.name, f.try) })
	}
	running.Wait()
}
