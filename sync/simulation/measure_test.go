package simulation_test

import (
	"math"
	"time"
)

// measures is what a simulation has seen, by minute.
type measures struct {
	begin   time.Time
	minutes []minute
	seconds []int32 // polls begun in each second
}

// minute is what happened within one.
type minute struct {
	lag   lags // of all polls but those that go on with the past
	apart lags // of these, those of accounts whose host was never away
}

func newMeasures(begin time.Time, length time.Duration) *measures {
	return &measures{
		begin:   begin,
		minutes: make([]minute, length/time.Minute+1),
		seconds: make([]int32, length/time.Second+1),
	}
}

// started counts the start of a poll.
func (m *measures) started(at, owed time.Time, past, apart bool) {
	since := at.Sub(m.begin)
	m.seconds[since/time.Second]++
	if past {
		return
	}
	lag := at.Sub(owed)
	m.minutes[since/time.Minute].lag.add(lag)
	if apart {
		m.minutes[since/time.Minute].apart.add(lag)
	}
}

// rate returns the mean and the most starts a second.
func (m *measures) rate(from, until time.Duration) (mean float64, most int) {
	sum := 0
	for _, n := range m.seconds[from/time.Second : until/time.Second] {
		sum += int(n)
		most = max(most, int(n))
	}
	return float64(sum) / (until - from).Seconds(), most
}

// smooth returns the most starts within ten seconds, by the second.
func (m *measures) smooth(from, until time.Duration) float64 {
	const width = 10
	sum, most := 0, 0
	for i, n := range m.seconds[from/time.Second : until/time.Second] {
		sum += int(n)
		if i >= width {
			sum -= int(m.seconds[int(from/time.Second)+i-width])
		}
		most = max(most, sum)
	}
	return float64(most) / width
}

// lagging returns the lags within a time.
func (m *measures) lagging(from, until time.Duration, of func(*minute) *lags) *lags {
	var sum lags
	for i := from / time.Minute; i < until/time.Minute; i++ {
		sum.merge(of(&m.minutes[i]))
	}
	return &sum
}

func all(m *minute) *lags   { return &m.lag }
func apart(m *minute) *lags { return &m.apart }

// lags is a histogram with steps of 2 %, from a millisecond on.
type lags struct {
	n      int
	counts []uint32
	most   time.Duration
}

const step = 1.02

func (l *lags) add(d time.Duration) {
	l.n++
	l.most = max(l.most, d)
	i := 0
	if d > time.Millisecond {
		i = int(math.Ceil(math.Log(float64(d)/float64(time.Millisecond)) / math.Log(step)))
	}
	for len(l.counts) <= i {
		l.counts = append(l.counts, 0)
	}
	l.counts[i]++
}

func (l *lags) merge(other *lags) {
	l.n += other.n
	l.most = max(l.most, other.most)
	for len(l.counts) < len(other.counts) {
		l.counts = append(l.counts, 0)
	}
	for i, n := range other.counts {
		l.counts[i] += n
	}
}

// quantile returns what a share q of the lags does not exceed; 0 if there are none.
func (l *lags) quantile(q float64) time.Duration {
	left := int(math.Ceil(q * float64(l.n)))
	for i, n := range l.counts {
		if left -= int(n); left <= 0 && n > 0 {
			return min(l.most, time.Duration(float64(time.Millisecond)*math.Pow(step, float64(i))))
		}
	}
	return l.most
}

// caughtUp returns how long after a time the last minute ends, of the hour that follows, in which polls are late.
func (m *measures) caughtUp(from, late time.Duration) time.Duration {
	last := from
	for at := from; at < from+time.Hour; at += time.Minute {
		if m.minutes[at/time.Minute].lag.quantile(0.99) > late {
			last = at + time.Minute
		}
	}
	return last - from
}
