package main

import (
	"fmt"
	"math"
	"time"
)

// mailbox is the plan of a mailbox: every message of it follows from the seed
// and its number alone, so that messages can be made in any order and again.
type mailbox struct {
	seed  uint64
	total int // messages spread over the time from start to end; further ones follow behind
	start time.Time
	end   time.Time
}

// kind says what a message is.
type kind int

const (
	letter    kind = iota // between the owner and correspondents
	bulk                  // a newsletter or mailing list
	autoReply             // nobody wrote it
	internal              // from a colleague
)

// plan is what is settled of a message before it is written.
type plan struct {
	number  int
	kind    kind
	sent    bool // by the owner; it lies in Sent
	date    time.Time
	id      string
	parent  *plan // what it answers; nil: it begins a thread
	depth   int
	subject string
	with    correspondent
}

const maxDepth = 20

// plan settles the n-th message. One in six was sent, one in two is an answer.
func (m *mailbox) plan(n int) *plan {
	d := m.dice(thread, n)
	p := &plan{number: n, sent: n%6 == 5}
	step := m.end.Sub(m.start) / time.Duration(m.total)
	if n < m.total {
		p.date = m.start.Add(time.Duration(n)*step + time.Duration(d.n(int(step/time.Second)))*time.Second).Truncate(time.Second)
	} else {
		p.date = m.end.Add(time.Duration(n-m.total) * time.Minute)
	}
	roll := d.n(100)
	back := 1 + int(math.Exp(d.float()*7)) // up to about 1,100 messages ago, mostly few
	if roll < 52 && n-back >= 0 {
		parent := m.plan(n - back)
		if parent.kind == letter && parent.depth < maxDepth {
			p.parent, p.depth, p.with = parent, parent.depth+1, parent.with
			p.subject = p.with.tongue.reply + rootOf(parent).subject
			if !p.sent && roll < 2 {
				p.kind = autoReply
			}
		}
	}
	if p.parent == nil {
		// Some write often, most now and then.
		p.with = m.person(int(math.Pow(d.float(), 2) * correspondents))
		p.subject = fmt.Sprintf("%s %d", p.with.tongue.subjects[d.n(len(p.with.tongue.subjects))], 1000+d.n(9000))
		if roll := d.n(100); !p.sent && roll < 10 {
			p.kind = bulk // of all messages, about five in a hundred
		} else if !p.sent && roll < 16 {
			p.kind = internal
		}
	}
	p.id = fmt.Sprintf("<%016x.%d@mail.%s>", d.next(), n, domainOf(p))
	return p
}

func domainOf(p *plan) string {
	switch {
	case p.sent || p.kind == internal:
		return ownDomain
	case p.kind == bulk:
		return "news.test"
	}
	return companyDomain(p.with.company)
}

func rootOf(p *plan) *plan {
	for p.parent != nil {
		p = p.parent
	}
	return p
}

// The things that dice are rolled for, each independent of the others.
const (
	person uint64 = iota + 1
	thread
	content
)

// dice is a stream of numbers that follows from where it starts (SplitMix64).
type dice struct{ state uint64 }

func (m *mailbox) dice(what uint64, n int) *dice {
	d := &dice{state: m.seed ^ what<<56 ^ uint64(n)*0x9e3779b97f4a7c15}
	d.next()
	return d
}

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// n returns a number from 0 to below limit; 0 when there is none.
func (d *dice) n(limit int) int {
	if limit <= 1 {
		return 0
	}
	return int(d.next() % uint64(limit))
}

func (d *dice) float() float64 { return float64(d.next()>>11) / (1 << 53) }

func (d *dice) weighted(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	roll := d.n(sum)
	for i, w := range weights {
		if roll -= w; roll < 0 {
			return i
		}
	}
	return 0
}
