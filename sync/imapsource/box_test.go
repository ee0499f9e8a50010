package imapsource_test

import (
	"strings"
	"testing"

	"kith/servertest"
	"kith/sync/imapsource"
)

// box is a scripted server with one folder, INBOX.
type box struct {
	*servertest.Mailbox
	*servertest.Folder
}

// newBox makes a box of letters.
func newBox(uids ...uint32) *box {
	inbox := servertest.NewInbox(func(uid uint32) string {
		head, _, _ := strings.Cut(string(letter(int(uid))), "\r\n\r\n")
		return head + "\r\n\r\n"
	}, march, uids...)
	return &box{servertest.NewMailbox(inbox), inbox}
}

func uidsTo(n uint32) []uint32 {
	uids := make([]uint32, n)
	for i := range uids {
		uids[i] = uint32(i) + 1
	}
	return uids
}

// start runs the server and opens a source of it.
func (b *box) start(t testing.TB, chunk int) *imapsource.Source {
	t.Helper()
	return open(t, b.options(t, chunk))
}

func (b *box) options(t testing.TB, chunk int) imapsource.Options {
	t.Helper()
	o := aliceAt(servertest.Script(t, b.Serve).URL("imap"))
	o.Chunk = chunk
	return o
}
