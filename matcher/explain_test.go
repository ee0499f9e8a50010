package matcher_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/matcher"
)

func TestExplain(t *testing.T) {
	type step struct{ name, result, why string } // why: part of it
	for _, tt := range []struct {
		name   string
		policy matcher.Policy
		item   kith.Item
		want   []step
	}{
		{"a letter of a contact", matcher.Policy{}, letter("ann@client.test", fromUs), []step{
			{"privacy", "allowed", "nobody on it"},
			{"kind", "message", "ordinary message"},
			{"sender", "ann@client.test", "From names the author"},
			{"direction", "inbound", "none of our own addresses"},
			{"forwarding", "no", "no rule"},
			{"internal", "no", "not everybody"},
			{"bulk", "no", "nothing marks it"},
			{"auto_reply", "no", "nothing marks it"},
			{"private", "no", "did not mark"},
			{"contacts", "1 contact", "ann@client.test (from)"},
			{"template", "EMAIL_IN", "email_in"},
			{"owner", "alice@us.test", "went to alice@us.test"},
		}},
		{"a newsletter", matcher.Policy{}, letter("news@shop.test", fromUs, with(func(m *kith.Message) { m.Bulk = true })), []step{
			{"privacy", "allowed", ""}, {"kind", "message", ""}, {"sender", "news@shop.test", ""},
			{"direction", "inbound", ""}, {"forwarding", "no", ""}, {"internal", "no", ""},
			{"bulk", "bulk", "newsletter"},
		}},
		{"a stranger in Cc of ours, and a shared address", matcher.Policy{}, letter("alice@us.test", "family@home.test", inSent), []step{
			{"privacy", "allowed", ""}, {"kind", "message", ""}, {"sender", "alice@us.test", ""},
			{"direction", "outbound", "one of our own addresses"}, {"forwarding", "no", ""}, {"internal", "no", ""},
			{"bulk", "no", ""}, {"auto_reply", "no", ""}, {"private", "no", ""},
			{"contacts", "2 contacts", "several contacts share"},
			{"template", "EMAIL_OUT", ""},
			{"owner", "alice@us.test", "alice@us.test wrote it"},
		}},
		{"C04 an unknown alias", matcher.Policy{Internal: matcher.InternalRecord}, letter("alice@other.test", "boss@us.test", inSent), []step{
			{"privacy", "allowed", ""}, {"kind", "message", ""}, {"sender", "alice@other.test", ""},
			{"direction", "outbound", "not configured"}, {"forwarding", "no", ""},
			{"internal", "yes", "records internal mail"},
			{"bulk", "no", ""}, {"auto_reply", "no", ""}, {"private", "no", ""},
			{"contacts", "none", "needs no contact"},
			{"template", "EMAIL_OUT", ""},
			{"owner", "alice@us.test", "owner of the account"},
		}},
		{"A21 passed on among us", matcher.Policy{Forwarded: matcher.ForwardedLink}, letter("boss@us.test", fromUs, with(func(m *kith.Message) { m.Forwarded = list("ann@client.test") })), []step{
			{"privacy", "allowed", ""}, {"kind", "message", ""}, {"sender", "boss@us.test", ""},
			{"direction", "inbound", "passed on to us what a contact wrote"}, {"forwarding", "no", ""}, {"internal", "no", ""},
			{"bulk", "no", ""}, {"auto_reply", "no", ""}, {"private", "no", ""},
			{"contacts", "1 contact", "a contact wrote a message that is attached: ann@client.test"},
			{"template", "EMAIL_IN", ""},
			{"owner", "alice@us.test", "went to alice@us.test"},
		}},
		{"nobody known", matcher.Policy{}, letter("x@x.test", fromUs), []step{
			{"privacy", "allowed", ""}, {"kind", "message", ""}, {"sender", "x@x.test", ""},
			{"direction", "inbound", ""}, {"forwarding", "no", ""}, {"internal", "no", ""},
			{"bulk", "no", ""}, {"auto_reply", "no", ""}, {"private", "no", ""},
			{"contacts", "no_contact", "no contact has the address x@x.test"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newMatcher(contacts(), tt.policy).Explain(t.Context(), aliceMail, tt.item)
			if err != nil {
				t.Fatal(err)
			}
			var steps []step
			decisions := slices.DeleteFunc(got.Steps, func(s kith.Step) bool { return s.Step == "address" })
			for i, s := range decisions {
				if i < len(tt.want) && s.Why != "" && strings.Contains(s.Why, tt.want[i].why) {
					s.Why = tt.want[i].why
				}
				steps = append(steps, step{s.Step, s.Result, s.Why})
			}
			if diff := cmp.Diff(tt.want, steps, cmp.AllowUnexported(step{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// The words of a step that does not end the way.
func TestExplainStep(t *testing.T) {
	throughList := with(func(m *kith.Message) { m.Bulk, m.ListPost = true, "ops@lists.test" })
	to := func(n int) string { return strings.TrimSuffix(strings.Repeat("x@x.test, ", n), ", ") }
	for _, tt := range []struct {
		step, result, why string
		policy            matcher.Policy
		item              kith.Item
	}{
		{"sender", "ann@client.test", "put its own address ops@lists.test", matcher.Policy{},
			letter("Ann via Ops <ops@lists.test>", fromUs, throughList, with(func(m *kith.Message) { m.ReplyTo = list("ann@client.test") }))},
		{"sender", "ann@client.test", "no From", matcher.Policy{},
			letter("", fromUs, with(func(m *kith.Message) { m.Sender = sender("ann@client.test") }))},
		{"sender", "boss@us.test", "alice@us.test sent it in their name", matcher.Policy{},
			letter("boss@us.test", toAnn, with(func(m *kith.Message) { m.Sender = sender("alice@us.test") }))},
		{"sender", "x@x.test, x@x.test, x@x.test, x@x.test, x@x.test and 2 more", "author", matcher.Policy{}, letter(to(7), "alice@us.test, ann@client.test")},
		{"direction", "inbound", "one of our own forms", matcher.Policy{},
			letter("forms@us.test", fromUs, with(func(m *kith.Message) { m.ReplyTo = list("ann@client.test") }))},
		{"direction", "inbound", "a contact wrote it to us", matcher.Policy{}, letter("ann@client.test", fromUs, inSent)},
		{"direction", "inbound", "sent on unchanged", matcher.Policy{},
			letter("ann@client.test", fromUs, inSent, with(func(m *kith.Message) { m.ResentFrom = list(fromUs) }))},
		{"forwarding", "resent", "alice@us.test sent it on", matcher.Policy{},
			letter("ann@client.test", "boss@us.test", with(func(m *kith.Message) { m.ResentFrom = list(fromUs) }))},
		{"forwarding", "forwarded", "still from its author", matcher.Policy{},
			letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.AutoForwarded = true }))},
		{"bulk", "yes", "a contact wrote it", matcher.Policy{}, letter("ann@client.test", fromUs, throughList)},
		{"bulk", "yes", "we wrote it", matcher.Policy{}, letter("alice@us.test", toAnn, throughList)},
		{"bulk", "yes", "policy records", matcher.Policy{Bulk: matcher.BulkRecord}, letter("news@shop.test", fromUs, throughList)},
		{"auto_reply", "yes", "does not count as an answer", matcher.Policy{},
			letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.AutoReply = true }))},
		{"private", "busy", "no subject", matcher.Policy{Private: matcher.PrivateBusy},
			letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Sensitivity = "personal" }))},
	} {
		t.Run(tt.step+" "+tt.why, func(t *testing.T) {
			got, err := newMatcher(contacts(), tt.policy).Explain(t.Context(), aliceMail, tt.item)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range got.Steps {
				if s.Step == tt.step && (s.Result != tt.result || !strings.Contains(s.Why, tt.why)) {
					t.Errorf("%+v, want %q because of %q", s, tt.result, tt.why)
				}
			}
			if len(got.Steps) == 0 || got.Skip != "" {
				t.Errorf("skipped as %q after %d steps", got.Skip, len(got.Steps))
			}
		})
	}
}

// The last step of a skip says why, in words that fit.
func TestExplainSkips(t *testing.T) {
	bounce := kith.Bounce{MessageID: "<9@us.test>", Action: "failed"}
	for _, tt := range []struct {
		skip   kith.Reason
		why    string
		policy matcher.Policy
		item   kith.Item
	}{
		{kith.ReasonNeverRecord, "lawyer@x.test", matcher.Policy{NeverRecord: []string{"lawyer@x.test"}}, letter("lawyer@x.test", fromUs)},
		{kith.ReasonNeverRecord, "contact marked", matcher.Policy{}, letter("dora@client.test", fromUs)},
		{kith.ReasonErased, "kith erase removed", matcher.Policy{}, letter("ann@client.test", "alice@us.test, erased@x.test")},
		{kith.ReasonDraft, "not sent", matcher.Policy{}, letter("", "", func(i *kith.Item) { i.Draft = true })},
		{kith.ReasonBounce, "<9@us.test>", matcher.Policy{}, letter("x@x.test", fromUs, with(func(m *kith.Message) { m.Bounce = &bounce }))},
		{kith.ReasonBounce, "not which one", matcher.Policy{}, letter("x@x.test", fromUs, with(func(m *kith.Message) { m.Bounce = &kith.Bounce{Action: "failed"} }))},
		{kith.ReasonBounce, "late", matcher.Policy{}, letter("x@x.test", fromUs, with(func(m *kith.Message) { m.Bounce = &kith.Bounce{Action: "delayed"} }))},
		{kith.ReasonBounce, "report", matcher.Policy{}, letter("x@x.test", fromUs, with(func(m *kith.Message) { m.Bounce = &kith.Bounce{} }))},
		{kith.ReasonReceipt, "receipt", matcher.Policy{}, letter("x@x.test", fromUs, with(func(m *kith.Message) { m.Receipt = true }))},
		{kith.ReasonInvitation, "calendar", matcher.Policy{}, letter("x@x.test", fromUs, with(func(m *kith.Message) { m.Invitation = "REQUEST" }))},
		{kith.ReasonNoSender, "no sender", matcher.Policy{}, letter("", toAnn)},
		{kith.ReasonSpoofed, "forged", matcher.Policy{}, letter("alice@us.test", toAnn, with(func(m *kith.Message) { m.AuthFailed = true }))},
		{kith.ReasonAutoForward, "rule", matcher.Policy{}, letter("alice@us.test", toAnn, with(func(m *kith.Message) { m.AutoForwarded = true }))},
		{kith.ReasonInternal, "one of us", matcher.Policy{}, letter("alice@us.test", "boss@us.test")},
		{kith.ReasonAutoReply, "machine", matcher.Policy{AutoReply: matcher.AutoReplySkip}, letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.AutoReply = true }))},
		{kith.ReasonPrivate, "private", matcher.Policy{}, letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Sensitivity = "private" }))},
		{kith.ReasonNotSMTPAddress, "/o=Ex/cn=y", matcher.Policy{}, letter("/o=Ex/cn=y", fromUs)},
		{kith.ReasonNoContact, "nobody outside", matcher.Policy{}, letter("alice@us.test", "", inSent)},
		{kith.ReasonTemplateBlank, "email_in", matcher.Policy{Templates: map[matcher.Event]string{matcher.EmailIn: ""}}, letter("ann@client.test", fromUs)},
	} {
		t.Run(string(tt.skip)+" "+tt.why, func(t *testing.T) {
			got, err := newMatcher(contacts(), tt.policy).Explain(t.Context(), aliceMail, tt.item)
			if err != nil {
				t.Fatal(err)
			}
			last := got.Steps[len(got.Steps)-1]
			if got.Skip != tt.skip || last.Result != string(tt.skip) || !strings.Contains(last.Why, tt.why) {
				t.Errorf("skip %q, last step %+v; want %q because of %q", got.Skip, last, tt.skip, tt.why)
			}
		})
	}
}

// The subject and the text of a message are in no step.
func TestExplainTellsNoContent(t *testing.T) {
	item := letter("ann@client.test", fromUs)
	got, err := newMatcher(contacts(), matcher.Policy{}).Explain(t.Context(), aliceMail, item)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range got.Steps {
		for _, content := range []string{item.Message.Subject, item.Message.Snippet, item.Message.Attachments[0].Name} {
			if strings.Contains(s.Why+s.Result, content) {
				t.Errorf("step %s tells %q", s.Step, content)
			}
		}
	}
}
