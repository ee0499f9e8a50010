package duplicates

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// window is how many of those next to it a contact is compared with, of those
// that have a key in common with it.
const window = 20

// keyed is that a contact has a key.
type keyed struct {
	key   uint64
	party uint32
}

// likely pairs contacts whose names and companies are alike.
func (f *Found) likely(ctx context.Context, least float32) error {
	sounds := make([]string, len(f.companies)) // of the companies that people have
	for n := range f.companies {
		sounds[n] = sound(oneWordOf(f.companies[n].folded))
	}
	var all []keyed
	// One kind of key after the other: so they take the memory of one.
	for _, kind := range []func(p *party, add func(parts ...string)){
		func(p *party, add func(...string)) { // the whole name, in whatever order, and spelled about so
			if p.isFirm {
				add("firm", sound(oneWordOf(p.folded)))
			} else if strings.Contains(p.folded, " ") {
				add("person", soundOf(p.folded))
			}
		},
		func(p *party, add func(...string)) { // a word of it, with the company
			words := partsOf(p.folded)
			for _, w := range words.word[:words.n] {
				switch {
				case p.isFirm && len(w) > 2:
					add("firm", sound(w))
				case !p.isFirm && p.company != 0 && len(w) > 1:
					add("person", sounds[p.company], sound(w))
				}
			}
		},
		func(p *party, add func(...string)) { // the initials, with the company: a slip of the pen may be anywhere else
			if !p.isFirm && p.company != 0 {
				initials := make([]byte, 0, 8)
				words := partsOf(p.folded)
				for _, w := range words.word[:words.n] {
					initials = append(initials, w[0])
				}
				add("person", sounds[p.company], string(initials))
			}
		},
	} {
		all = all[:0]
		for n := range f.parties {
			kind(&f.parties[n], func(parts ...string) { all = append(all, keyed{hash(parts), uint32(n)}) })
		}
		if err := f.compareKeyed(ctx, all, least); err != nil {
			return err
		}
	}
	return nil
}

// compareKeyed compares the contacts that have a key in common.
func (f *Found) compareKeyed(ctx context.Context, all []keyed, least float32) error {
	slices.SortFunc(all, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.party, b.party))
	})
	all = slices.Compact(all)
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && all[to].key == all[from].key {
			to++
		}
		if to-from > 1 {
			if err := ctx.Err(); err != nil {
				return err
			}
			f.compareGroup(all[from:to], least)
		}
		from = to
	}
	return nil
}

func (f *Found) compareGroup(group []keyed, least float32) {
	if len(group) > window {
		slices.SortFunc(group, func(a, b keyed) int {
			p, q := &f.parties[a.party], &f.parties[b.party]
			return cmp.Or(strings.Compare(p.folded, q.folded), strings.Compare(f.companies[p.company].folded, f.companies[q.company].folded),
				f.compare(a.party, b.party))
		})
	}
	for i := range group {
		for _, other := range group[i+1 : min(i+1+window, len(group))] {
			a, b := group[i].party, other.party
			score := f.score(&f.parties[a], &f.parties[b], least)
			if score < least {
				continue
			}
			if f.compare(a, b) > 0 {
				a, b = b, a
			}
			f.pairs = append(f.pairs, pair{a: a, b: b, score: score})
		}
	}
}

// How much the name counts, and the company; and what is taken off a name of one
// word, which many have.
const (
	nameCounts    = 0.7
	companyCounts = 0.3
	unknown       = 0.55 // the company of one of them: of two with the same full name, enough
	oneWord       = 0.8
	notCertain    = 0.99
)

// score tells how likely two contacts are one. It may be any score below least
// for one that is.
func (f *Found) score(a, b *party, least float32) float32 {
	if a.isFirm != b.isFirm {
		return 0
	}
	if a.isFirm {
		return notCertain * firmsAlike(a.folded, b.folded)
	}
	companies := f.sameCompany(a, b)
	if nameCounts+companyCounts*companies < least {
		return 0
	}
	names := alike(a.folded, b.folded)
	if !strings.Contains(a.folded, " ") || !strings.Contains(b.folded, " ") {
		names *= oneWord
	}
	if names == 0 {
		return 0
	}
	return notCertain * (nameCounts*names + companyCounts*companies)
}

// sameCompany tells how alike the companies of two persons are.
func (f *Found) sameCompany(a, b *party) float32 {
	switch {
	case a.company == 0 || b.company == 0:
		return unknown
	case a.company == b.company:
		return 1
	}
	return firmsAlike(f.companies[a.company].folded, f.companies[b.company].folded)
}

// firmsAlike compares names of companies, which may be written as one word or two.
func firmsAlike(a, b string) float32 {
	return max(alike(a, b), alike(oneWordOf(a), oneWordOf(b)))
}

func oneWordOf(folded string) string { return strings.ReplaceAll(folded, " ", "") }

// soundOf is what a folded name sounds like, word by word.
func soundOf(folded string) string {
	words := partsOf(folded)
	for i, w := range words.word[:words.n] {
		words.word[i] = sound(w)
	}
	slices.Sort(words.word[:words.n])
	return strings.Join(words.word[:words.n], " ")
}

// hash is FNV-1a of a key.
func hash(parts []string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, part := range parts {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * 0x100000001b3
		}
		h = (h ^ 0xff) * 0x100000001b3 // no byte of UTF-8
	}
	return h
}
