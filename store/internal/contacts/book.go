package contacts

import (
	"maps"
	"slices"
	"time"

	"kith"
	"kith/store"
)

// Book goes through a batch of an address book in memory, as [store.Books] says.
// What is on file is put in first: the stream's ties and groups at [RefsOf] the
// recording, the account's memberships and ties of [Book.UIDs], the contacts of [Book.Hints], and all
// ties of those contacts. Not safe for concurrent use.
type Book struct {
	*Batch
	Ties   []*Tie   // those on file first
	Groups []*Group // the same

	account, stream string
	byUID           map[string][]*Tie // of the account
	byRef           map[string][]*Tie // of the stream
	byContact       map[kith.ID][]*Tie
	groupsAt        map[string][]*Group          // of the stream, by ref
	memberships     map[string][]*kith.CardGroup // by UID of the member, those that stay what they are

	done    kith.BookRecorded
	failed  []kith.Failure
	changes func(kith.CardChange)
}

// Tie is a tie, on file or not.
type Tie struct {
	kith.CardTie
	Facts
	Fresh, Changed bool

	was  bool             // on file, and not gone
	here bool             // the recording brings its card
	left bool             // it marks it gone
	next said             // what the card says now
	is   kith.ContactType // and of what it is
}

// Group is a group of the stream, on file or not.
type Group struct {
	kith.CardGroup
	Fresh, Changed bool
	Dropped        bool // it is no longer there
}

// NewBook returns a batch of a book. changes may be nil.
func NewBook(b *Batch, account, stream string, changes func(kith.CardChange)) *Book {
	return &Book{
		Batch: b, account: account, stream: stream, changes: changes,
		byUID: make(map[string][]*Tie), byRef: make(map[string][]*Tie), byContact: make(map[kith.ID][]*Tie),
		groupsAt: make(map[string][]*Group), memberships: make(map[string][]*kith.CardGroup),
	}
}

// Stream is the book that is recorded.
func (b *Book) Stream() string { return b.stream }

// Capture is a recording of a book as far as it concerns the quarantine.
func Capture(rec *kith.BookRecording) kith.Recording {
	failed := make(map[string]bool, len(rec.Quarantined))
	for _, f := range rec.Quarantined {
		failed[f.Ref] = true
	}
	released := slices.DeleteFunc(slices.Concat(rec.Released, RefsOf(rec)), func(ref string) bool { return failed[ref] })
	return kith.Recording{At: rec.At, Quarantined: rec.Quarantined, Released: released}
}

// CountBook adds to the counters of a stream what was left out.
func CountBook(skipped map[kith.Reason]int, rec *kith.BookRecording, done kith.BookRecorded) {
	if rec.Recount {
		clear(skipped)
	}
	for reason, n := range map[kith.Reason]int{kith.ReasonNotAContact: done.Ignored, kith.ReasonErased: done.Erased} {
		if n > 0 {
			skipped[reason] += n
		}
	}
}

// Growth is by how many the cards and groups of the stream have become more.
func (b *Book) Growth() (n int) {
	for _, t := range b.Ties {
		switch is := t.GoneAt.IsZero(); {
		case is && !t.was:
			n++
		case !is && t.was:
			n--
		}
	}
	for _, g := range b.Groups {
		switch {
		case g.Org: // its card counts
		case g.Dropped:
			n--
		case g.Fresh:
			n++
		}
	}
	return n
}

// RefsOf returns the refs that a recording speaks of.
func RefsOf(rec *kith.BookRecording) []string {
	refs := slices.Concat(rec.Gone, rec.Ignored)
	for i := range rec.Cards {
		refs = append(refs, rec.Cards[i].Ref)
	}
	for i := range rec.Groups {
		refs = append(refs, rec.Groups[i].Ref)
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// LoadTie puts in a tie that is on file; once more does no harm.
func (b *Book) LoadTie(tie kith.CardTie) error {
	for _, t := range b.byContact[tie.Contact] {
		if t.Account == tie.Account && t.Stream == tie.Stream && t.Ref == tie.Ref && t.UID == tie.UID {
			return nil
		}
	}
	facts, err := DecodeFacts([]byte(tie.Facts))
	if err != nil {
		return err
	}
	b.take(&Tie{CardTie: tie, Facts: facts, was: tie.GoneAt.IsZero()})
	return nil
}

func (b *Book) take(t *Tie) {
	b.Ties = append(b.Ties, t)
	b.byContact[t.Contact] = append(b.byContact[t.Contact], t)
	if t.Account != b.account {
		return
	}
	b.byUID[t.UID] = append(b.byUID[t.UID], t)
	if t.Stream == b.stream {
		b.byRef[t.Ref] = append(b.byRef[t.Ref], t)
	}
}

// LoadGroup puts in a group of the stream with all its members.
func (b *Book) LoadGroup(g kith.CardGroup) {
	made := &Group{CardGroup: g}
	b.Groups = append(b.Groups, made)
	b.groupsAt[g.Ref] = append(b.groupsAt[g.Ref], made)
}

// LoadMembership puts in that a card is a member of a group, anywhere in the account. Members of g
// are not looked at.
func (b *Book) LoadMembership(stream, member string, g kith.CardGroup) {
	if stream == b.stream && len(b.groupsAt[g.Ref]) > 0 {
		return // that one is known, and may change
	}
	b.memberships[member] = append(b.memberships[member], &g)
}

// UIDs are the cards that a recording may change: those that it brings, those at
// its refs, and the members of its groups. Ties and groups of its refs were put in.
func (b *Book) UIDs(rec *kith.BookRecording) []string {
	uids := make(map[string]bool)
	for i := range rec.Cards {
		uids[rec.Cards[i].Contact.ExternalID] = true
	}
	for _, t := range b.Ties {
		uids[t.UID] = true
	}
	for i := range rec.Groups {
		for _, m := range rec.Groups[i].Members {
			uids[m] = true
		}
	}
	for _, g := range b.Groups {
		for _, m := range g.Members {
			uids[m] = true
		}
	}
	return slices.Sorted(maps.Keys(uids))
}

// Companies are the cards of the companies whose members may change. Memberships were put in.
func (b *Book) Companies(rec *kith.BookRecording) []string {
	var uids []string
	for i := range rec.Groups {
		if rec.Groups[i].Org {
			uids = append(uids, rec.Groups[i].UID)
		}
	}
	for _, all := range b.memberships {
		for _, g := range all {
			if g.Org {
				uids = append(uids, g.UID)
			}
		}
	}
	return uids
}

// Hints are those of the contacts that a recording may mean. Ties were put in.
func (b *Book) Hints(rec *kith.BookRecording) Hints {
	in := make([]kith.Contact, 0, len(rec.Cards)+len(b.Ties))
	var addresses []string
	for i := range rec.Cards {
		c := &rec.Cards[i].Contact
		in = append(in, *c)
		addresses = append(addresses, store.Addresses(c)...)
	}
	for _, t := range b.Ties {
		in = append(in, kith.Contact{ID: t.Contact, Company: t.Says.Company})
	}
	h := HintsOf(in)
	h.Addresses = append(h.Addresses, addresses...)
	return h
}

// ContactIDs are the contacts that were put in.
func (b *Batch) ContactIDs() []kith.ID { return slices.Collect(maps.Keys(b.byID)) }

// Record goes through the recording. It returns what was done, and the cards that can't be written.
func (b *Book) Record(rec *kith.BookRecording) (kith.BookRecorded, []kith.Failure) {
	broken := make(map[string]bool, len(rec.Quarantined))
	for _, f := range rec.Quarantined {
		broken[f.Ref] = true
	}
	for _, ref := range rec.Gone {
		b.leave(ref)
	}
	affected := b.regroup(rec, broken)
	ties := make([]*Tie, 0, len(rec.Cards))
	outcomes := make(map[*Tie]kith.CardOutcome, len(rec.Cards))
	for _, card := range rec.Cards {
		t, outcome, err := b.tie(card)
		if err != nil {
			b.fail(card.Ref, err)
			broken[card.Ref] = true
			continue
		}
		ties, outcomes[t] = append(ties, t), outcome
		delete(affected, t.UID)
	}
	// Only now the companies of all groups are known.
	for _, t := range ties {
		if err := b.follow(t, t.next, t.is); err != nil {
			b.fail(t.Ref, err)
			broken[t.Ref] = true
			continue
		}
		b.count(t, outcomes[t])
	}
	for _, ref := range RefsOf(rec) {
		if !broken[ref] {
			b.leave(ref)
		}
	}
	for _, ref := range rec.Ignored {
		b.done.Ignored++
		b.tell(kith.CardChange{Ref: ref, Outcome: kith.CardIgnored})
	}
	for _, uid := range slices.Sorted(maps.Keys(affected)) {
		for _, t := range b.byUID[uid] {
			if t.GoneAt.IsZero() && b.byID[t.Contact] != nil {
				b.refresh(t)
			}
		}
	}
	for _, t := range b.Ties {
		if t.left && !t.GoneAt.IsZero() {
			b.tellLeft(t)
		}
	}
	return b.done, b.failed
}

func (b *Book) tell(c kith.CardChange) {
	if b.changes != nil {
		if e := b.byID[c.Contact]; e != nil {
			c.Contact = e.Shown()
		}
		b.changes(c)
	}
}

func (b *Book) fail(ref string, err error) {
	b.failed = append(b.failed, kith.Failure{Ref: ref, Cause: "the register can't take it: " + err.Error()})
}

// leave marks the cards at a ref as gone, but for those that the recording has brought.
func (b *Book) leave(ref string) {
	for _, t := range b.byRef[ref] {
		if t.here || !t.GoneAt.IsZero() {
			continue
		}
		t.GoneAt, t.Changed, t.left = b.at, true, true
	}
}

func (b *Book) tellLeft(t *Tie) {
	b.done.Gone++
	change := kith.CardChange{Ref: t.Ref, Contact: t.Contact, Outcome: kith.CardUntied}
	if e := b.byID[t.Contact]; e != nil {
		change.Name = e.Name
		if e.Source == b.account && len(b.living(t.Contact)) == 0 {
			change.Outcome = kith.CardRemoved
		}
	}
	b.tell(change)
}

// living are the ties of a contact whose cards are there.
func (b *Book) living(contact kith.ID) []*Tie {
	return slices.DeleteFunc(slices.Clone(b.byContact[contact]), func(t *Tie) bool { return !t.GoneAt.IsZero() })
}

// regroup takes in the groups, and returns the members that have joined or left one, or whose group
// has another name.
func (b *Book) regroup(rec *kith.BookRecording, broken map[string]bool) (affected map[string]bool) {
	affected = make(map[string]bool)
	named := make(map[*Group]bool, len(rec.Groups))
	for _, in := range rec.Groups {
		in.Members = slices.Compact(slices.Sorted(slices.Values(in.Members)))
		b.done.Groups++
		b.tell(kith.CardChange{Ref: in.Ref, Name: in.Name, Outcome: kith.CardGroupKept})
		at := slices.IndexFunc(b.groupsAt[in.Ref], func(g *Group) bool { return g.UID == in.UID })
		if at < 0 {
			b.LoadGroup(kith.CardGroup{Ref: in.Ref, UID: in.UID, Name: in.Name, Org: in.Org})
			at = len(b.groupsAt[in.Ref]) - 1
			b.groupsAt[in.Ref][at].Fresh = true
		}
		g := b.groupsAt[in.Ref][at]
		named[g] = true
		before := g.CardGroup
		g.CardGroup = in
		g.Changed = !g.Fresh && (before.Name != in.Name || before.Org != in.Org || !slices.Equal(before.Members, in.Members))
		for _, m := range before.Members {
			if _, stays := slices.BinarySearch(in.Members, m); !stays || before.Name != in.Name || before.Org != in.Org {
				affected[m] = true
			}
		}
		for _, m := range in.Members {
			if _, was := slices.BinarySearch(before.Members, m); !was {
				affected[m] = true
			}
		}
	}
	for _, ref := range RefsOf(rec) {
		for _, g := range b.groupsAt[ref] {
			if named[g] || broken[ref] {
				continue
			}
			g.Dropped = true
			b.done.Gone++
			for _, m := range g.Members {
				affected[m] = true
			}
		}
	}
	for _, g := range b.Groups {
		for _, m := range g.Members {
			if !g.Dropped {
				b.memberships[m] = append(b.memberships[m], &g.CardGroup)
			}
		}
	}
	return affected
}

// tie finds the contact of a card, or makes it, and ties it.
func (b *Book) tie(card kith.Card) (*Tie, kith.CardOutcome, error) {
	in := &card.Contact
	in.Source = b.account
	if in.Type == "" {
		in.Type = kith.Person
	}
	outcome := kith.CardUnchanged
	e, erased := b.owner(in)
	if e == nil && erased.IsZero() && b.Batch.erased(in) {
		erased = b.newID() // of a contact that there is not
	}
	b.omit(in)
	contact := erased
	switch {
	case e == nil && erased.IsZero():
		made, err := b.make(in)
		if err != nil {
			return nil, "", err
		}
		e, outcome, contact = made, kith.CardCreated, made.ID
	case e == nil:
		outcome = kith.CardErased
	default:
		contact = e.ID
	}
	at := slices.IndexFunc(b.byRef[card.Ref], func(t *Tie) bool { return t.UID == in.ExternalID })
	if at < 0 {
		t := &Tie{CardTie: kith.CardTie{Account: b.account, Stream: b.stream, Ref: card.Ref, UID: in.ExternalID, Contact: contact}, Fresh: true}
		// What another card of this UID says, this one has brought here.
		if twins := b.byUID[t.UID]; len(twins) > 0 && twins[0].Contact == contact {
			t.Facts = twins[0].Facts
		}
		b.take(t)
		at = len(b.byRef[card.Ref]) - 1
	}
	t := b.byRef[card.Ref][at]
	if t.Contact != contact {
		b.byContact[t.Contact] = slices.DeleteFunc(b.byContact[t.Contact], func(o *Tie) bool { return o == t })
		b.byContact[contact] = append(b.byContact[contact], t)
		t.Contact, t.Facts = contact, Facts{}
	}
	t.here, t.Changed, t.GoneAt = true, !t.Fresh, time.Time{}
	if t.left = false; e == nil { // nothing is kept of it
		t.Facts = Facts{}
	} else {
		t.next, t.is = saidBy(in), in.Type
	}
	return t, outcome, nil
}

// count counts a card.
func (b *Book) count(t *Tie, outcome kith.CardOutcome) {
	change := kith.CardChange{Ref: t.Ref, Contact: t.Contact, Outcome: outcome}
	if e := b.byID[t.Contact]; e != nil {
		change.Name = e.Name
		if outcome == kith.CardUnchanged && e.Changed {
			change.Outcome = kith.CardUpdated
		}
	}
	switch change.Outcome {
	case kith.CardCreated:
		b.done.Created++
	case kith.CardUpdated:
		b.done.Updated++
	case kith.CardErased:
		b.done.Erased++
	default:
		b.done.Unchanged++
	}
	b.tell(change)
}

// refresh makes a contact follow a card whose groups have changed.
func (b *Book) refresh(t *Tie) {
	e := b.byID[t.Contact]
	changed := e.Changed
	if err := b.follow(t, t.Says, e.Type); err != nil {
		b.fail(t.Ref, err)
		return
	}
	if t.Changed = !t.Fresh; e.Changed && !changed {
		b.done.Updated++
		b.tell(kith.CardChange{Ref: t.Ref, Name: e.Name, Contact: e.ID, Outcome: kith.CardUpdated})
	}
}

// follow makes the contact of a card say what that says.
func (b *Book) follow(t *Tie, says said, is kith.ContactType) error {
	e := b.byID[t.Contact]
	if e == nil {
		return nil // it was removed on purpose
	}
	own := e.Source == b.account
	next := e.Contact
	next.Emails, next.Phones, next.Tags = slices.Clone(e.Emails), slices.Clone(e.Phones), slices.Clone(e.Tags)
	before := t.Facts
	if own && e.Survivor.IsZero() { // those that are merged stay of one type
		next.Type = is
	}
	var others []said
	for _, o := range b.living(t.Contact) {
		if o != t {
			others = append(others, o.Says)
		}
	}
	t.Says = says
	tagged := says
	company := &kith.Contact{Source: b.account, Company: says.Company}
	for _, g := range b.memberships[t.UID] {
		switch {
		case !g.Org && g.Name != "" && !slices.Contains(tagged.Tags, g.Name):
			tagged.Tags = append(slices.Clone(tagged.Tags), g.Name)
		case g.Org && company.Company == "" && company.CompanyID == nil:
			company.CompanyID = b.companyOf(g.UID)
		}
	}
	t.Gave = follow(&next, before, tagged, others, own)
	if err := b.employ(&next, company, before.Gave.Company, &t.Gave, own); err != nil {
		t.Facts = before
		return err
	}
	if err := store.CheckContact(&next); err != nil {
		t.Facts = before
		return err
	}
	b.replace(e, next)
	return nil
}

// companyOf is the company whose card has a UID.
func (b *Book) companyOf(uid string) *kith.ID {
	for _, t := range b.byUID[uid] {
		if e := b.byID[t.Contact]; e != nil && e.Type == kith.Company && t.GoneAt.IsZero() {
			return &e.ID
		}
	}
	return nil
}

// employ gives a person the company of its card, or takes away what the card gave.
func (b *Book) employ(next, wanted *kith.Contact, before string, gave *said, own bool) error {
	if next.Type == kith.Company {
		next.CompanyID, next.Company = nil, ""
		return nil
	}
	has := ""
	if next.CompanyID != nil {
		has = next.CompanyID.String()
	}
	if has != "" && has != before && !own {
		return nil // it has one of another source
	}
	id, err := b.Company(wanted, next)
	if err != nil {
		return err
	}
	switch {
	case id != nil:
		next.CompanyID, next.Company = id, b.byID[*id].Name
		gave.Company = id.String()
	case has == before:
		next.CompanyID, next.Company = nil, ""
	}
	return nil
}

// Settle ends ties whose cards are gone. It returns the contacts that go with them.
func (b *Book) Settle(ended []*Tie) (removed []*Entry) {
	for _, t := range ended {
		b.byContact[t.Contact] = slices.DeleteFunc(b.byContact[t.Contact], func(o *Tie) bool { return o == t })
	}
	for _, t := range ended {
		e, others := b.byID[t.Contact], b.byContact[t.Contact]
		switch {
		case e == nil || e.Source != b.account || slices.Contains(removed, e):
		case len(others) == 0:
			removed = append(removed, e)
		default:
			b.handOver(e, t, others)
		}
	}
	return removed
}

// handOver makes a contact that of its next card, and takes from it what the last has given.
func (b *Book) handOver(e *Entry, from *Tie, others []*Tie) {
	next := e.Contact
	next.Emails, next.Phones, next.Tags = slices.Clone(e.Emails), slices.Clone(e.Phones), slices.Clone(e.Tags)
	var say []said
	heir := others[0]
	for _, o := range others {
		say = append(say, o.Says)
		if o.Account == b.account && (heir.Account != b.account || o.UID == e.ExternalID) {
			heir = o
		}
	}
	follow(&next, from.Facts, said{}, say, true)
	if b.byExternal[externalID{heir.Account, heir.UID}] == nil {
		next.Source, next.ExternalID = heir.Account, heir.UID
	}
	if store.CheckContact(&next) == nil {
		b.replace(e, next)
	}
}
