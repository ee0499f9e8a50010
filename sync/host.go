package syncer

import "time"

// host is what a worker knows of a host while accounts on it are polled or wait.
type host struct {
	polled int           // accounts that are polled now
	full   time.Time     // since when it has had no connection to spare
	took   time.Duration // a run, lately; zero: none has ended
	turn   time.Time     // of the last account that waits for a connection
	apart  time.Duration // the last turns
}

// hostMost is how long an account waits for a connection to its host before it asks
// again, at most: perhaps the host is well by then.
const hostMost = 2 * time.Minute

// wait gives an account a turn, and returns how long that is from now: most, or little more. Turns
// are as far apart as connections come free. If all that wait asked again after the same pause, the many
// accounts of a host that hangs would take claims and workers from all others.
func (h *host) wait(now time.Time, connections int, most time.Duration, spread float64) time.Duration {
	h.apart = max(h.took, now.Sub(h.full)) / time.Duration(connections)
	if h.turn.Before(now) || h.turn.Sub(now) > most {
		h.turn = now
	}
	h.turn = h.turn.Add(h.apart)
	return max(min(h.turn.Sub(now), most), soon) + time.Duration(spread*float64(min(h.apart, most)))
}

// ended notes how long a run took.
func (h *host) ended(took time.Duration) {
	if h.took == 0 {
		h.took = took
	}
	h.took = (3*h.took + took) / 4
}

// idle tells that nothing has to be known of the host.
func (h *host) idle(now time.Time) bool { return h.polled == 0 && h.turn.Before(now) }

// crowded tells whether accounts that wait have turns closer to each other than the
// turns of the loop that looks for due accounts.
func (h *host) crowded(now time.Time) bool { return h.turn.After(now) && h.apart < turn }
