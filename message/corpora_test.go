package message_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"

	"kith"
	"kith/address"
	"kith/message"
)

// corpora returns the folder of mail files that others wrote. KITH_CORPORA
// names another one.
func corpora(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("KITH_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no mail corpora at %s: set KITH_CORPORA to the folder that holds mime4j, enmime and ruby-mail", dir)
	}
	return dir
}

// mailFiles calls do for each mail file in the corpora, by its name in them.
func mailFiles(t *testing.T, do func(t *testing.T, name string, raw []byte)) {
	dir := corpora(t)
	n := 0
	for _, corpus := range []string{"mime4j", "enmime", "ruby-mail"} {
		err := filepath.WalkDir(filepath.Join(dir, corpus), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !isMail(path) {
				return err
			}
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			n++
			t.Run(filepath.ToSlash(name), func(t *testing.T) { do(t, filepath.ToSlash(name), raw) })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 270 {
		t.Errorf("only %d mail files: the corpora are not complete", n)
	}
}

func isMail(path string) bool {
	base := filepath.Base(path)
	return slices.Contains([]string{".msg", ".raw", ".eml", ".golden"}, filepath.Ext(path)) ||
		strings.HasPrefix(base, "mbox.rlug-") || base == "sample_output_multipart"
}

// Every file is read, and what comes out is what kith.Message promises.
func TestCorporaRead(t *testing.T) {
	// No header field is in these; the reason is the file's.
	const testmsgs, encode = "mime4j/core/src/test/resources/testmsgs/", "enmime/testdata/encode/"
	noMessage := map[string]string{
		testmsgs + "malformedHeader-noheader.msg":                "text without a header, which mime4j reads as a body",
		testmsgs + "malformedHeaderStartsBody-noheader.msg":      "text without a header, which mime4j reads as a body",
		encode + "part-content-only.golden":                      "the body of a part",
		encode + "part-empty.golden":                             "empty",
		"enmime/internal/test/testdata/test.golden":              "a list of words",
		"enmime/testdata/mail/erroneous.raw":                     "says itself that it is no message",
		"ruby-mail/spec/fixtures/emails/sample_output_multipart": "empty",
	}
	mailFiles(t, func(t *testing.T, name string, raw []byte) {
		m, err := message.ReadSnippet(bytes.NewReader(raw))
		if reason, ok := noMessage[name]; ok {
			if !errors.Is(err, message.ErrNoMessage) {
				t.Errorf("Read = %v, want ErrNoMessage: %s", err, reason)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		checkMessage(t, m)
	})
}

// envelope is what the corpora's messages are compared by.
type envelope struct {
	MessageID, Subject, Date      string
	From, Sender, ReplyTo, To, Cc []kith.Address
}

func envelopeOf(m *kith.Message) envelope {
	e := envelope{MessageID: m.MessageID, Subject: m.Subject, From: m.From, ReplyTo: m.ReplyTo, To: m.To, Cc: m.Cc}
	if m.Sender != nil {
		e.Sender = []kith.Address{*m.Sender}
	}
	if m.DateSource == kith.DateFromHeader {
		e.Date = m.Date.UTC().Format(time.RFC3339)
	}
	return e
}

// The standard library reads RFC 5322 by the letter: where it can read a
// field, kith reads the same.
func TestCorporaAgreeWithNetMail(t *testing.T) {
	differs := map[string]string{
		"jt-0498.msg":                         "the library takes a zone that it does not know (EDT) for UTC",
		"simple.msg":                          "the library takes a zone that it does not know (CST) for UTC",
		"basic-plain.msg":                     "the library takes a zone that it does not know (CST) for UTC",
		"basic-plain-very-long-lines.msg":     "the library takes a zone that it does not know (CST) for UTC",
		"content_transfer_encoding_7-bit.eml": "the library takes a zone that it does not know (MST) for UTC",
		"obsolete.msg":                        "the library does not find a field with blanks before its colon",
		"qp-utf8-header.raw":                  "the library leaves an encoded word within quotes as it is",
		"qp-utf8-header-recursed.raw":         "the library leaves a line end in a name",
		"bad_encoded_subject.eml":             "the library leaves a word in an unknown charset as it is",
		"invalid_subject_characters.eml":      "the library leaves 8 bits, and an encoded word within quotes, as they are",
		"raw_email_bad_time.eml":              "the library leaves an encoded word within quotes as it is",
		"example14.eml":                       "the library keeps all blanks around a fold, kith one",
	}
	decoder := &mime.WordDecoder{CharsetReader: func(charset string, input io.Reader) (io.Reader, error) {
		e, err := htmlindex.Get(charset)
		if err != nil {
			return nil, err
		}
		return e.NewDecoder().Reader(input), nil
	}}
	parser := &mail.AddressParser{WordDecoder: decoder}
	compared := 0
	mailFiles(t, func(t *testing.T, name string, raw []byte) {
		m, err := message.Read(bytes.NewReader(raw))
		if err != nil {
			return // TestCorporaRead tells
		}
		std, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			return
		}
		got := envelopeOf(m)
		want := got // a field that the library can't read is not compared
		if s, err := decoder.DecodeHeader(std.Header.Get("Subject")); err == nil {
			want.Subject = strings.TrimSpace(s)
		}
		if date, err := std.Header.Date(); err == nil {
			want.Date = date.UTC().Format(time.RFC3339)
		}
		if id := std.Header.Get("Message-Id"); strings.HasPrefix(id, "<") && strings.HasSuffix(id, ">") {
			want.MessageID = id
		}
		for field, list := range map[string]*[]kith.Address{"From": &want.From, "Sender": &want.Sender, "Reply-To": &want.ReplyTo, "To": &want.To, "Cc": &want.Cc} {
			if v := std.Header.Get(field); v != "" {
				if parsed, err := parser.ParseList(v); err == nil {
					*list = fromStd(parsed)
				}
			}
		}
		compared++
		diff := cmp.Diff(want, got)
		reason, known := differs[filepath.Base(name)]
		switch {
		case diff != "" && !known:
			t.Errorf("differs (-net/mail +kith)\n%s", diff)
		case diff == "" && known:
			t.Errorf("does not differ, but the table says: %s", reason)
		}
	})
	t.Logf("%d messages compared", compared)
}

// fromStd makes what the library read comparable: addresses canonical, and
// names that are addresses dropped, as kith does with both.
func fromStd(parsed []*mail.Address) (list []kith.Address) {
	for _, a := range parsed {
		canonical, ok := address.Normalize(a.Address)
		if !ok {
			canonical = a.Address
		}
		if _, ok := address.Normalize(a.Name); ok {
			a.Name = ""
		}
		list = append(list, kith.Address{Name: a.Name, Address: canonical})
	}
	return list
}

// node is what mime4j says of an entity: its header, and a body, parts or a message.
type node struct {
	Fields    []string   `xml:"header>field"`
	Multipart *multipart `xml:"multipart"`
	Text      *file      `xml:"text-body"`
}

type multipart struct {
	Parts []node `xml:"body-part"`
}

type file struct {
	Name string `xml:"name,attr"`
}

func readXML(t *testing.T, path string) *node {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(raw) {
		// Bytes of the message were copied as they are.
		if raw, err = charmap.Windows1252.NewDecoder().Bytes(raw); err != nil {
			t.Fatal(err)
		}
	}
	var n node
	if err := xml.Unmarshal(raw, &n); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return &n
}

// shape writes the tree that mime4j found; what is in a message is left out.
func (n *node) shape() string {
	if n.Multipart == nil {
		return "leaf"
	}
	var parts []string
	for _, p := range n.Multipart.Parts {
		parts = append(parts, p.shape())
	}
	return "(" + strings.Join(parts, " ") + ")"
}

func shape(p *message.Part) string {
	if len(p.Children) == 0 && !strings.HasPrefix(p.MediaType, "multipart/") {
		return "leaf"
	}
	var parts []string
	for _, child := range p.Children {
		parts = append(parts, shape(child))
	}
	return "(" + strings.Join(parts, " ") + ")"
}

// mime4j brings, for each message, the header fields and the structure that it
// found (.xml), the message written anew (.out), and the decoded bodies.
func TestCorporaAgreeWithMime4j(t *testing.T) {
	differs := map[string]string{
		"hdr-fakeout.msg": "a line with a blank ends no header: mime4j then takes all lines for the header, kith takes those that can't be fields for the body",
		"basic-plain-with-bad-header-separator.msg": "a line with a blank ends no header: mime4j drops the lines behind it that are no fields, kith takes them for the body",
		"malformedHeaderStartsBody-nocrlfcrlf.msg":  "mime4j, so configured, begins the body at a line that is no field; kith skips it when a field follows (A19)",
	}
	compared := 0
	mailFiles(t, func(t *testing.T, name string, raw []byte) {
		base := filepath.Join(corpora(t), strings.TrimSuffix(name, ".msg"))
		if _, err := os.Stat(base + ".xml"); err != nil {
			return
		}
		m, err := message.Read(bytes.NewReader(raw))
		if err != nil {
			return
		}
		compared++
		root, content, err := message.ReadStructure(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		want := readXML(t, base+".xml")
		var found []string
		header := ""
		for _, field := range want.Fields {
			header += strings.TrimPrefix(field, "\n") + "\r\n"
		}
		if diff := cmp.Diff(envelopeOf(message.ParseHeader([]byte(header))), envelopeOf(m)); diff != "" {
			found = append(found, "the header (-mime4j +kith)\n"+diff)
		}
		if got, want := shape(root), want.shape(); got != want {
			found = append(found, fmt.Sprintf("the structure is %s, mime4j has %s", got, want))
		}
		if out, err := os.ReadFile(base + ".out"); err == nil {
			if again, err := message.Read(bytes.NewReader(out)); err != nil {
				found = append(found, "written anew: "+err.Error())
			} else if diff := cmp.Diff(envelopeOf(again), envelopeOf(m)); diff != "" {
				found = append(found, "the header written anew (-mime4j +kith)\n"+diff)
			}
		}
		found = append(found, compareBodies(t, filepath.Dir(base), readXML(t, base+"_decoded.xml"), root, content)...)
		reason, known := differs[filepath.Base(name)]
		switch {
		case len(found) > 0 && !known:
			t.Errorf("differs: %s", strings.Join(found, "\n"))
		case len(found) == 0 && known:
			t.Errorf("does not differ, but the table says: %s", reason)
		}
	})
	t.Logf("%d messages compared", compared)
}

// compareBodies compares the decoded bodies of text parts.
func compareBodies(t *testing.T, dir string, n *node, p *message.Part, content func(*message.Part) []byte) (found []string) {
	if n.Multipart != nil {
		for i := range min(len(n.Multipart.Parts), len(p.Children)) {
			found = append(found, compareBodies(t, dir, &n.Multipart.Parts[i], p.Children[i], content)...)
		}
		return found
	}
	if n.Text == nil || !strings.HasPrefix(p.MediaType, "text/") {
		return nil
	}
	want, err := os.ReadFile(filepath.Join(dir, n.Text.Name))
	if err != nil {
		t.Fatal(err)
	}
	lf := func(b []byte) string { return strings.ReplaceAll(string(b), "\r\n", "\n") }
	if got := content(p); lf(got) != lf(want) {
		found = append(found, fmt.Sprintf("the body of part %s (-mime4j +kith)\n%s", p.Path, cmp.Diff(lf(want), lf(got))))
	}
	return found
}

// enmime brings messages (.raw) and how it writes them anew (.golden), and
// parts that it wrote from what is named here.
func TestCorporaAgreeWithEnmime(t *testing.T) {
	dir := filepath.Join(corpora(t), "enmime", "testdata", "encode")
	read := func(t *testing.T, name string) *kith.Message {
		t.Helper()
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		m, err := message.ReadSnippet(f)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return m
	}
	pairs := []struct{ raw, golden string }{
		{"parser-raw-content-html-option.raw", "parser-raw-content-html-option-false.raw.golden"},
		{"parser-raw-content-html-option.raw", "parser-raw-content-html-option-true.raw.golden"},
		{"parser-raw-content-text-option.raw", "parser-raw-content-text-option-false.raw.golden"},
		{"parser-raw-content-text-option.raw", "parser-raw-content-text-option-true.raw.golden"},
	}
	for _, p := range pairs {
		t.Run(p.golden, func(t *testing.T) {
			raw, golden := read(t, p.raw), read(t, p.golden)
			if raw.From == nil { // enmime's test gave the part a header of its own
				golden.From, golden.To, golden.Subject = raw.From, raw.To, raw.Subject
			}
			if diff := cmp.Diff(envelopeOf(raw), envelopeOf(golden)); diff != "" || raw.Snippet != golden.Snippet {
				t.Errorf("Snippet %q, written anew %q\n%s", raw.Snippet, golden.Snippet, diff)
			}
		})
	}
	written := []struct {
		golden string
		want   envelope
	}{
		{"build-qp-addr-headers.golden", envelope{
			Subject: "RFC 2047",
			Date:    "2017-01-01T13:14:15Z",
			From:    list("Olle Järnefors", "ojarnef@admin.kth.se"),
			To:      list("Patrik Fältström", "paf@nada.kth.se", "Keld Jørn Simonsen", "keld@dkuug.dk"),
		}},
		{"utf8-to.raw.golden", envelope{
			Subject: "test utf8 to",
			From:    list("Weiß", "foo@bar.com"), // without angle brackets, as it stands there
			To:      list("Jøhn Døe", "bar@baz.com"),
		}},
	}
	for _, w := range written {
		t.Run(w.golden, func(t *testing.T) {
			if diff := cmp.Diff(w.want, envelopeOf(read(t, w.golden))); diff != "" {
				t.Errorf("(-enmime +kith)\n%s", diff)
			}
		})
	}
}

// Delivery reports of real servers, and what a person reads in them.
func TestCorporaBounces(t *testing.T) {
	const ruby, enmime = "ruby-mail/spec/fixtures/emails/multipart_report_emails/", "enmime/dsn/testdata/"
	tests := []struct {
		name           string
		messageID      string
		action, status string
		recipients     int
	}{
		{ruby + "multi_address_bounce1.eml", "<118707422.15521266992174819.JavaMail.root@lvmail01>", "failed", "5.1.1", 5},
		{ruby + "multi_address_bounce2.eml", "<118707422.15521266992174819.JavaMail.root@lvmail01>", "failed", "5.1.1", 5},
		{ruby + "multipart_report_multiple_status.eml", "<4c2a146147ac8_61ff157c4ec1652df@s.h.c.mail>", "failed", "5.3.0", 1},
		{ruby + "report_422.eml", "<15655788.13.1200472642578.JavaMail.Administrator@mail.ttttt.com.au>", "delayed", "4.2.2", 1},
		{ruby + "report_530.eml", "<200712232303.lBNN3jDq002941@mail12.rrrr.com.au>", "failed", "5.3.0", 1},
		{enmime + "delayed_dsn.raw", "", "delayed", "4.0.0", 1},
		{enmime + "dsn_with_multipart_alternative.raw", "", "failed", "5.1.10", 1},
		{enmime + "multi_recipient_dsn.raw", "", "failed", "5.0.0", 2}, // a third was only delayed
		{enmime + "simple_dsn.raw", "", "failed", "4.0.0", 1},
		{enmime + "simple_dsn_with_html.raw", "", "failed", "4.0.0", 1},
	}
	dir := corpora(t)
	for _, tt := range tests {
		t.Run("C18 "+filepath.Base(tt.name), func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, tt.name))
			if err != nil {
				t.Fatal(err)
			}
			m, err := message.Read(bytes.NewReader(raw))
			if err != nil || m.Bounce == nil {
				t.Fatalf("Bounce of %+v, %v", m, err)
			}
			b := m.Bounce
			if b.MessageID != tt.messageID || b.Action != tt.action || b.Status != tt.status || len(b.Recipients) != tt.recipients {
				t.Errorf("Bounce %+v, want %+v", b, tt)
			}
		})
	}
}
