package matcher_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/matcher"
)

const (
	toAnn  = "ann@client.test"
	fromUs = "alice@us.test"
)

// outcome is what a row of a table expects: a skip, or the rest.
type outcome struct {
	skip      kith.Reason
	direction kith.Direction
	rule      kith.DirectionRule
	owner     string
	links     []string
	flags     []string
}

func skipped(reason kith.Reason) outcome { return outcome{skip: reason} }

func in(owner string, links ...string) outcome {
	return outcome{direction: kith.Inbound, rule: kith.DirectionByDefault, owner: owner, links: links}
}

func out(owner string, links ...string) outcome {
	return outcome{direction: kith.Outbound, rule: kith.DirectionByAuthor, owner: owner, links: links}
}

func (o outcome) flagged(flags ...string) outcome { o.flags = flags; return o }

func (o outcome) by(rule kith.DirectionRule) outcome { o.rule = rule; return o }

type row struct {
	name    string
	account matcher.Account // alice-mail unless set
	policy  matcher.Policy
	item    kith.Item
	want    outcome
}

func run(t *testing.T, rows []row) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			account := tt.account
			if account.Name == "" {
				account = aliceMail
			}
			got := match(t, tt.policy, account, tt.item)
			if got.Ref != tt.item.Ref {
				t.Errorf("outcome of %q, want of %q", got.Ref, tt.item.Ref)
			}
			have := outcome{skip: got.Skip}
			if i := got.Interaction; i != nil {
				have = outcome{got.Skip, i.Direction, i.DirectionRule, i.Owner, linkNames(i.Links), i.Flags}
			}
			if tt.want.skip == "" {
				tt.want.links = append([]string{}, tt.want.links...)
				tt.want.flags = append([]string{}, tt.want.flags...)
			}
			if diff := cmp.Diff(tt.want, have, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSender(t *testing.T) {
	run(t, []row{
		{name: "A05 two authors and a Sender: all authors count, Sender is kept",
			item: letter("ann@client.test, bob@client.test", fromUs, with(func(m *kith.Message) { m.Sender = sender("x@client.test") })),
			want: in("alice@us.test", "from ann@client.test ann", "from bob@client.test bob")},
		{name: "A05 one of two authors is ours",
			item: letter("stranger@x.test, alice@us.test", toAnn),
			want: out("alice@us.test", "to ann@client.test ann")},
		{name: "A27 two authors in two fields: a flag tells",
			item: letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Repeated = true })),
			want: in("alice@us.test", "from ann@client.test ann").flagged(matcher.FlagRepeatedField)},
		{name: "A06 no From: Sender is the author",
			item: letter("", fromUs, with(func(m *kith.Message) { m.Sender = sender("ann@client.test") })),
			want: in("alice@us.test", "from ann@client.test ann")},
		{name: "A06 no From: Sender is us",
			item: letter("", toAnn, with(func(m *kith.Message) { m.Sender = sender("alice@us.test") })),
			want: out("alice@us.test", "to ann@client.test ann")},
		{name: "A06 neither From nor Sender",
			item: letter("", toAnn), want: skipped(kith.ReasonNoSender)},
		{name: "A25 nobody on it has an SMTP address",
			item: letter("/o=ExchangeLabs/ou=x/cn=y", "IMCEAEX-_O=EXCHANGELABS_OU=X@us.test"),
			want: skipped(kith.ReasonNotSMTPAddress)},
		{name: "A25 the only one outside has no SMTP address",
			item: letter("/o=ExchangeLabs/ou=x/cn=y", fromUs), want: skipped(kith.ReasonNotSMTPAddress)},
		{name: "A25 somebody else on it is a contact",
			item: letter("/o=ExchangeLabs/ou=x/cn=y", "alice@us.test, ann@client.test"),
			want: in("alice@us.test", "to ann@client.test ann")},
	})
}

func TestMatching(t *testing.T) {
	plus := matcher.Policy{PlusAddressing: true}
	dots := matcher.Policy{GmailDots: true}
	mailingList := func(m *kith.Message) { m.Bulk, m.ListPost = true, "ops@lists.test" }
	run(t, []row{
		{name: "B01 an address in its canonical form", item: letter("ann@client.test", fromUs),
			want: in("alice@us.test", "from ann@client.test ann")},
		{name: "B02 a contact's second address", item: letter("alice@us.test", "ann@home.test"),
			want: out("alice@us.test", "to ann@home.test ann")},
		{name: "B03 a shared address links to all who have it", item: letter("family@home.test", fromUs),
			want: in("alice@us.test", "from family@home.test bob?", "from family@home.test carol?")},
		{name: "B03 one of them writes from an address of his own too",
			item: letter("bob@client.test", "alice@us.test, family@home.test"),
			want: in("alice@us.test", "from bob@client.test bob", "to family@home.test carol?")},
		{name: "B04 a tag is another address", item: letter("ann+crm@client.test", fromUs),
			want: skipped(kith.ReasonNoContact)},
		{name: "B04 a tag is folded by policy", policy: plus, item: letter("ann+crm@client.test", fromUs),
			want: in("alice@us.test", "from ann+crm@client.test ann")},
		{name: "B04 a tag on an address of ours outside our domains", policy: plus, item: letter("a.jones+x@alias.test", toAnn),
			want: out("alice@us.test", "to ann@client.test ann")},
		{name: "B05 dots are another address", item: letter("j.doe@gmail.com", fromUs),
			want: skipped(kith.ReasonNoContact)},
		{name: "B05 dots are folded by policy", policy: dots, item: letter("j.doe@gmail.com", fromUs),
			want: in("alice@us.test", "from j.doe@gmail.com ann")},
		{name: "B05 googlemail.com is gmail.com", policy: dots, item: letter("jd.oe@googlemail.com", fromUs),
			want: in("alice@us.test", "from jd.oe@googlemail.com ann")},
		{name: "B05 dots matter elsewhere", policy: dots, item: letter("a.nn@client.test", fromUs),
			want: skipped(kith.ReasonNoContact)},
		{name: "B08 a web form of somebody else links who Reply-To names",
			item: letter("forms@site.test", "sales@us.test", with(func(m *kith.Message) { m.ReplyTo = list("ann@client.test") })),
			want: in("sales@us.test", "reply_to ann@client.test ann")},
		{name: "B08 a web form of ours is from who Reply-To names",
			item: letter("forms@us.test", "sales@us.test", with(func(m *kith.Message) { m.ReplyTo = list("ann@client.test") })),
			want: in("sales@us.test", "reply_to ann@client.test ann")},
		{name: "B08 Reply-To on a letter of ours is no form",
			item: letter("alice@us.test", "ann@client.test", with(func(m *kith.Message) { m.ReplyTo = list("bob@client.test") })),
			want: out("alice@us.test", "reply_to bob@client.test bob", "to ann@client.test ann")},
		{name: "B09 a list put its address into From: X-Original-From",
			item: letter("Ann via Ops <ops@lists.test>", "ops@lists.test", with(mailingList),
				with(func(m *kith.Message) { m.OriginalFrom = list("ann@client.test") })),
			want: in("alice@us.test", "from ann@client.test ann").flagged("bulk")},
		{name: "B09 a list put its address into From: Reply-To",
			item: letter("Ann via Ops <ops@lists.test>", "ops@lists.test", with(mailingList),
				with(func(m *kith.Message) { m.ReplyTo = list("ops@lists.test, ann@client.test") })),
			want: in("alice@us.test", "from ann@client.test ann").flagged("bulk")},
		{name: "B09 a list put its address into From: the name in Cc",
			item: letter("'Ann Doe' via Ops <ops@lists.test>", "ops@lists.test", with(mailingList),
				with(func(m *kith.Message) { m.Cc = list("bob@client.test, Ann Doe <ann@client.test>") })),
			want: in("alice@us.test", "from ann@client.test ann", "cc bob@client.test bob").flagged("bulk")},
		{name: "B09 a contact's letter to a list that leaves From alone",
			item: letter("ann@client.test", "ops@lists.test", with(mailingList)),
			want: in("alice@us.test", "from ann@client.test ann").flagged("bulk")},
		{name: "B09 a stranger's letter to a list is bulk, whoever is in Cc",
			item: letter("x@x.test", "ops@lists.test", with(mailingList), with(func(m *kith.Message) { m.Cc = list("ann@client.test") })),
			want: skipped(kith.ReasonBulk)},
		{name: "B09 the list's address is never a contact",
			item: letter("ops@lists.test", fromUs, with(mailingList)), policy: matcher.Policy{Bulk: matcher.BulkRecord},
			want: skipped(kith.ReasonNoContact)},
		{name: "B09 a newsletter of a contact has nothing to post to",
			item: letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Bulk = true })),
			want: skipped(kith.ReasonBulk)},
		{name: "B09 a newsletter from an address that is nobody's own",
			item: letter("news@shop.test", fromUs, with(func(m *kith.Message) { m.Bulk, m.ListPost = true, "post@shop.test" })),
			want: skipped(kith.ReasonBulk)},
		{name: "B09 a group of our own passes on what a customer's office writes",
			item: letter("news@shop.test", "sales@us.test", with(func(m *kith.Message) { m.Bulk, m.ListPost = true, "sales@us.test" })),
			want: in("sales@us.test", "from news@shop.test shop").flagged("bulk")},
		{name: "bulk is recorded by policy", policy: matcher.Policy{Bulk: matcher.BulkRecord},
			item: letter("news@shop.test", fromUs, with(func(m *kith.Message) { m.Bulk = true })),
			want: in("alice@us.test", "from news@shop.test shop").flagged("bulk", "mass_mail")},
		{name: "B11 the contact is only in Cc",
			item: letter("x@x.test", fromUs, with(func(m *kith.Message) { m.Cc = list("ann@client.test") })),
			want: in("alice@us.test", "cc ann@client.test ann")},
		{name: "B12 the contact is only in Bcc of our copy",
			item: letter("alice@us.test", "x@x.test", inSent, with(func(m *kith.Message) { m.Bcc = list("ann@client.test") })),
			want: out("alice@us.test", "bcc ann@client.test ann")},
		{name: "B13 a colleague is not a contact, even where the address is entered as one",
			item: letter("ann@client.test", "alice@us.test, sales@us.test"),
			want: in("alice@us.test", "from ann@client.test ann")},
		{name: "B21 in To and Cc: one link, of To",
			item: letter("alice@us.test", "ann@client.test", with(func(m *kith.Message) { m.Cc = list("ann@client.test") })),
			want: out("alice@us.test", "to ann@client.test ann")},
		{name: "B22 an archived contact is still linked", item: letter("emil@client.test", fromUs),
			want: in("alice@us.test", "from emil@client.test emil")},
		{name: "B23 three addresses of one person: one link",
			item: letter("alice@us.test", "ann@home.test, ann@client.test, ann.doe@xn--mnchen-3ya.de"),
			want: out("alice@us.test", "to ann@home.test ann")},
		{name: "B24 the owner is in no header",
			item: letter("ann@client.test", ""), want: in("alice@us.test", "from ann@client.test ann")},
		{name: "nobody is a contact", item: letter("x@x.test", fromUs), want: skipped(kith.ReasonNoContact)},
		{name: "Sender is a contact",
			item: letter("x@x.test", fromUs, with(func(m *kith.Message) { m.Sender = sender("ann@client.test") })),
			want: in("alice@us.test", "sender ann@client.test ann")},
	})
}

func TestDirection(t *testing.T) {
	internal := matcher.Policy{Internal: matcher.InternalRecord}
	run(t, []row{
		{name: "C01 from the owner, in Sent", item: letter("alice@us.test", toAnn, inSent),
			want: out("alice@us.test", "to ann@client.test ann")},
		{name: "C02 from an alias", item: letter("a.jones@alias.test", toAnn, inSent),
			want: out("alice@us.test", "to ann@client.test ann")},
		{name: "C03 an assistant sent it in the boss's name",
			item: letter("boss@us.test", toAnn, inSent, with(func(m *kith.Message) { m.Sender = sender("alice@us.test") })),
			want: out("boss@us.test", "to ann@client.test ann")},
		{name: "C03 the boss has no account",
			item: letter("ceo@us.test", toAnn, inSent, with(func(m *kith.Message) { m.Sender = sender("alice@us.test") })),
			want: out("ceo@us.test", "to ann@client.test ann")},
		{name: "C04 from an alias nobody configured, in Sent", item: letter("alice@other.test", toAnn, inSent),
			want: out("alice@us.test", "to ann@client.test ann").by(kith.DirectionBySent).flagged("proposed_identity")},
		{name: "C04 the unknown alias is in the address book", item: letter("me@club.test", toAnn, inSent),
			want: out("alice@us.test", "to ann@client.test ann").by(kith.DirectionBySent).flagged("proposed_identity")},
		{name: "C04 a contact's letter that was moved to Sent", item: letter("ann@client.test", fromUs, inSent),
			want: in("alice@us.test", "from ann@client.test ann")},
		{name: "C05 our own copy in the inbox",
			item: letter("alice@us.test", "ann@client.test, alice@us.test"),
			want: out("alice@us.test", "to ann@client.test ann")},
		{name: "C06 among us", item: letter("alice@us.test", "boss@us.test", inSent), want: skipped(kith.ReasonInternal)},
		{name: "C06 among us, the other copy", account: bossMail, item: letter("alice@us.test", "boss@us.test"),
			want: skipped(kith.ReasonInternal)},
		{name: "C06 among us, recorded by policy", policy: internal, item: letter("alice@us.test", "boss@us.test", inSent),
			want: out("alice@us.test")},
		{name: "C06 among us, recorded by policy, the other copy", policy: internal, account: bossMail,
			item: letter("alice@us.test", "boss@us.test"), want: out("alice@us.test")},
		{name: "C06 an unknown alias of ours to a colleague", item: letter("alice@other.test", "boss@us.test", inSent),
			want: skipped(kith.ReasonInternal)},
		{name: "C06 one outside makes it not internal", item: letter("alice@us.test", "boss@us.test, x@x.test"),
			want: skipped(kith.ReasonNoContact)},
		{name: "C06 to nobody is not internal", item: letter("alice@us.test", "", inSent),
			want: skipped(kith.ReasonNoContact)},
		{name: "C07 Cc to a colleague, his copy", account: bossMail,
			item: letter("alice@us.test", toAnn, with(func(m *kith.Message) { m.Cc = list("boss@us.test") })),
			want: out("alice@us.test", "to ann@client.test ann")},
		{name: "C08 an archive of everything: mail out", account: salesMail,
			item: letter("colleague@us.test", toAnn, func(i *kith.Item) { i.Role = kith.RoleArchive }),
			want: out("colleague@us.test", "to ann@client.test ann")},
		{name: "C08 an archive of everything: mail out whose envelope names the contact", account: salesMail,
			item: letter("colleague@us.test", toAnn, with(func(m *kith.Message) { m.DeliveredTo = []string{"ann@client.test"} })),
			want: out("colleague@us.test", "to ann@client.test ann")},
		{name: "C08 an archive of everything: mail in", account: salesMail,
			item: letter("ann@client.test", fromUs, func(i *kith.Item) { i.Role = kith.RoleArchive }),
			want: in("alice@us.test", "from ann@client.test ann")},
		{name: "C09 a shared mailbox answers", item: letter("sales@us.test", toAnn, inSent),
			want: out("sales@us.test", "to ann@client.test ann")},
		{name: "C10 to a forwarding alias",
			item: letter("ann@client.test", "me@club.test", with(func(m *kith.Message) { m.DeliveredTo = []string{"me@club.test"} })),
			want: in("alice@us.test", "from ann@client.test ann")},
		{name: "C10 a stranger to a forwarding alias",
			item: letter("x@x.test", "me@club.test", with(func(m *kith.Message) { m.DeliveredTo = []string{"alice@us.test", "me@club.test"} })),
			want: skipped(kith.ReasonNoContact)},
		{name: "C11 a rule of ours sent a copy to a private address", item: letter("alice@us.test", "ann@home.test", inSent,
			with(func(m *kith.Message) { m.AutoForwarded = true })),
			want: skipped(kith.ReasonAutoForward)},
		{name: "C11 a rule of somebody else sent it on to us", item: letter("ann@client.test", "bob@client.test",
			with(func(m *kith.Message) { m.AutoForwarded = true })),
			want: in("alice@us.test", "from ann@client.test ann", "to bob@client.test bob")},
		{name: "C12 we sent a contact's letter on, the copy that arrived",
			item: letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.ResentFrom = list("boss@us.test") })),
			want: in("alice@us.test", "from ann@client.test ann").flagged("resent")},
		{name: "C12 we sent a contact's letter on, the copy in Sent",
			item: letter("ann@client.test", "x@x.test", inSent, with(func(m *kith.Message) { m.ResentFrom = list("alice@us.test") })),
			want: in("alice@us.test", "from ann@client.test ann").flagged("resent")},
		{name: "C13 a draft by its flag", item: letter("alice@us.test", toAnn, func(i *kith.Item) { i.Draft = true }),
			want: skipped(kith.ReasonDraft)},
		{name: "C13 a draft by its folder", item: letter("alice@us.test", toAnn, func(i *kith.Item) { i.Role = kith.RoleDrafts }),
			want: skipped(kith.ReasonDraft)},
		{name: "C15 all mail in one folder: by the author",
			item: letter("alice@us.test", toAnn, func(i *kith.Item) { i.Role = kith.RoleAll }),
			want: out("alice@us.test", "to ann@client.test ann")},
		{name: "C15 all mail in one folder: the other way",
			item: letter("ann@client.test", fromUs, func(i *kith.Item) { i.Role = kith.RoleAll }),
			want: in("alice@us.test", "from ann@client.test ann")},
		{name: "C16 somebody forged our address", item: letter("alice@us.test", toAnn, with(func(m *kith.Message) { m.AuthFailed = true })),
			want: skipped(kith.ReasonSpoofed)},
		{name: "C16 somebody forged an address of ours in a web form's manner",
			item: letter("forms@us.test", fromUs, with(func(m *kith.Message) { m.AuthFailed, m.ReplyTo = true, list("ann@client.test") })),
			want: skipped(kith.ReasonSpoofed)},
		{name: "C16 a copy in Sent is proof", item: letter("alice@us.test", toAnn, inSent, with(func(m *kith.Message) { m.AuthFailed = true })),
			want: out("alice@us.test", "to ann@client.test ann")},
		{name: "C17 a machine answered, flagged", item: letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.AutoReply = true })),
			want: in("alice@us.test", "from ann@client.test ann").flagged("auto_reply")},
		{name: "C17 a machine answered, skipped by policy", policy: matcher.Policy{AutoReply: matcher.AutoReplySkip},
			item: letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.AutoReply = true })),
			want: skipped(kith.ReasonAutoReply)},
		{name: "C18 a bounce", item: letter("mailer-daemon@client.test", fromUs, with(func(m *kith.Message) { m.Bounce = &kith.Bounce{} })),
			want: skipped(kith.ReasonBounce)},
		{name: "C18 a bounce without a sender", item: letter("", "", with(func(m *kith.Message) { m.Bounce = &kith.Bounce{} })),
			want: skipped(kith.ReasonBounce)},
		{name: "C19 a receipt", item: letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Receipt = true })),
			want: skipped(kith.ReasonReceipt)},
		{name: "C20 an invitation", item: letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Invitation = "REQUEST" })),
			want: skipped(kith.ReasonInvitation)},
		{name: "C20 a letter with a calendar file",
			item: letter("ann@client.test", fromUs, with(func(m *kith.Message) {
				m.Attachments = []kith.Attachment{{Name: "fair.ics", MediaType: "text/calendar"}}
			})),
			want: in("alice@us.test", "from ann@client.test ann")},
		{name: "C21 an answer to an invitation", item: letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Invitation = "REPLY" })),
			want: skipped(kith.ReasonInvitation)},
		{name: "D10 our letter as a list sends it back",
			item: letter("Alice via Ops <ops@lists.test>", "ops@lists.test", with(func(m *kith.Message) {
				m.Bulk, m.ListPost, m.ReplyTo, m.Cc = true, "ops@lists.test", list("Alice <alice@us.test>"), list("ann@client.test")
			})),
			want: out("alice@us.test", "cc ann@client.test ann").flagged("bulk")},
	})
}

// Skips of bounces mark the message that bounced, when it is lost for good.
func TestBounced(t *testing.T) {
	failed := kith.Bounce{MessageID: "<9@us.test>", Recipients: []string{"ann@client.test"}, Action: "failed", Status: "5.1.1"}
	delayed, unnamed, excluded := failed, failed, failed
	delayed.Action = "delayed"
	unnamed.MessageID = ""
	excluded.Recipients = []string{"dora@client.test"}
	for _, tt := range []struct {
		name   string
		report kith.Bounce
		skip   kith.Reason
		want   *kith.Bounce
	}{
		{"C18 failed", failed, kith.ReasonBounce, &failed},
		{"C18 delayed may still arrive", delayed, kith.ReasonBounce, nil},
		{"C18 of a message that is not named", unnamed, kith.ReasonBounce, nil},
		{"H01 of a letter to somebody never to be recorded", excluded, kith.ReasonNeverRecord, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := match(t, matcher.Policy{}, aliceMail,
				letter("mailer-daemon@client.test", fromUs, with(func(m *kith.Message) { m.Bounce = &tt.report })))
			if diff := cmp.Diff(kith.Outcome{Ref: "7:1", Skip: tt.skip, Bounced: tt.want}, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
