package contactfile_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"iter"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"kith"
	"kith/address"
	"kith/contactfile"
)

func sequence(contacts ...kith.Contact) iter.Seq2[kith.Contact, error] {
	return func(yield func(kith.Contact, error) bool) {
		for _, c := range contacts {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// someText is one line of text as the register keeps it, with whatever the formats treat specially.
func someText(t *rapid.T, label string) string {
	words := rapid.SliceOfN(rapid.StringOfN(rapid.OneOf(
		rapid.SampledFrom([]rune(`=+-@'",;:\<>()&nN=`)),
		rapid.SampledFrom([]rune("aáßñЖ漢한🙂")),
		rapid.RuneFrom(nil, unicode.Latin, unicode.Nd),
	), 1, 30, -1), 0, 4).Draw(t, label)
	return norm.NFC.String(strings.Join(words, " "))
}

// someContact is a contact as a reader would make it.
func someContact(t *rapid.T) kith.Contact {
	c := kith.Contact{
		Type:       rapid.SampledFrom([]kith.ContactType{kith.Person, kith.Company}).Draw(t, "type"),
		ExternalID: someText(t, "external id"),
		Name:       someText(t, "name"),
		FirstName:  someText(t, "first name"),
		LastName:   someText(t, "last name"),
		Company:    someText(t, "company"),
		Emails: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a@x.test", "=1@x.test", "-b@x.test", "+c@x.test", `"a;b"@x.test`, `"a\\\\b"@x.test`,
			"é@xn--mnchen-3ya.test", "d'e@x.test"}), 0, 4, rapid.ID[string]).Draw(t, "emails"),
		Phones:      rapid.SliceOfNDistinct(rapid.StringMatching(`\+[1-9][0-9]{4,13}|[1-9][0-9]{2,12}`), 0, 3, rapid.ID[string]).Draw(t, "phones"),
		Title:       someText(t, "title"),
		Language:    rapid.SampledFrom([]string{"", "fr", "nl-BE", "zh-Hant-TW"}).Draw(t, "language"),
		Owner:       someText(t, "owner"),
		NeverRecord: rapid.Bool().Draw(t, "never record"),
	}
	for _, tag := range rapid.SliceOfN(rapid.Just(0), 0, 3).Draw(t, "tags") {
		_ = tag
		if s := someText(t, "tag"); s != "" && !slices.Contains(c.Tags, s) {
			c.Tags = append(c.Tags, s)
		}
	}
	return c
}

// settled returns the good contacts that the readers make of contacts, which
// may lack a name or write it in quotes.
func settled(t interface{ Fatalf(string, ...any) }, format string, contacts ...kith.Contact) (settled []kith.Contact, file string) {
	var out bytes.Buffer
	var err error
	var rows iter.Seq2[contactfile.Row, error]
	if format == "csv" {
		err = contactfile.WriteCSV(&out, sequence(contacts...))
		rows = contactfile.ReadCSV(bytes.NewReader(out.Bytes()), contactfile.Options{})
	} else {
		err = contactfile.WriteVCards(&out, sequence(contacts...))
		rows = contactfile.ReadVCards(bytes.NewReader(out.Bytes()))
	}
	if err != nil {
		t.Fatalf("write %s: %v", format, err)
	}
	for row, err := range rows {
		if err != nil {
			t.Fatalf("read what was written: %v\n%s", err, out.String())
		}
		if row.Verdict == contactfile.Good {
			settled = append(settled, row.Contact)
		}
	}
	return settled, out.String()
}

var ignoreSource = cmpopts.IgnoreFields(kith.Contact{}, "Source")

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	for _, format := range []string{"csv", "vcard"} {
		t.Run(format, rapid.MakeCheck(func(t *rapid.T) {
			contacts := rapid.SliceOfN(rapid.Custom(someContact), 1, 4).Draw(t, "contacts")
			for i := range contacts {
				c := &contacts[i]
				if c.Type == kith.Company && c.Company == c.Name {
					c.Company = ""
				}
				// A name without quotes around it, that is no address: nothing may change.
				c.Name = "x" + strings.ReplaceAll(c.Name, "@", "_") + "x"
			}
			got, file := settled(t, format, contacts...)
			if diff := cmp.Diff(contacts, got, cmpopts.EquateEmpty(), ignoreSource); diff != "" {
				t.Fatalf("read again (-written +read):\n%s\n%s", diff, file)
			}
		}))
	}
}

// TestWhatIsReadIsSettled lets the readers clean what they like, once.
func TestWhatIsReadIsSettled(t *testing.T) {
	for _, format := range []string{"csv", "vcard"} {
		t.Run(format, rapid.MakeCheck(func(t *rapid.T) {
			once, _ := settled(t, format, rapid.Custom(someContact).Draw(t, "contact"))
			if len(once) == 0 {
				t.Skip("nothing to know the contact by")
			}
			twice, file := settled(t, format, once...)
			if diff := cmp.Diff(once, twice, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("read again (-written +read):\n%s\n%s", diff, file)
			}
		}))
	}
}

func TestWriteCSVHoldsNoFormula(t *testing.T) {
	check := func(t *rapid.T) {
		var out bytes.Buffer
		if err := contactfile.WriteCSV(&out, sequence(rapid.Custom(someContact).Draw(t, "contact"))); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil {
			t.Fatalf("encoding/csv reads another file: %v", err)
		}
		number := regexp.MustCompile(`^[+0-9;]+$`)
		for _, cell := range rows[1] {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") && !number.MatchString(cell) {
				t.Fatalf("the cell %q begins like a formula", cell)
			}
		}
	}
	rapid.Check(t, check)
}

func TestWriteCSV(t *testing.T) {
	var out bytes.Buffer
	err := contactfile.WriteCSV(&out, sequence(kith.Contact{
		Type: kith.Person, ExternalID: "7", Name: "=cmd|' /C calc'!A0", Company: `Acme, "Inc."`, Emails: []string{"a@x.test", "b@x.test"},
		Phones: []string{"+3225551234", "+3225551235"}, Tags: []string{"a;b", "c"}, NeverRecord: true,
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := "external_id,type,name,first_name,last_name,company,email,phone,title,language,owner,tags,never_record\n" +
		`7,person,'=cmd|' /C calc'!A0,,,"Acme, ""Inc.""",a@x.test;b@x.test,+3225551234;+3225551235,,,,a\;b;c,yes` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("WriteCSV (-want +got):\n%s", diff)
	}
}

func TestWriteVCards(t *testing.T) {
	var out bytes.Buffer
	err := contactfile.WriteVCards(&out, sequence(kith.Contact{
		Type: kith.Person, ExternalID: "7", Name: "Ann, Doe; " + strings.Repeat("é", 40), FirstName: "Ann", LastName: "Doe", Company: "Acme",
		Emails: []string{"a@x.test"}, Phones: []string{"+3225551234", "1234"}, Language: "fr", Tags: []string{"a,b", "c"}, Owner: "bob@own.test", NeverRecord: true,
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := crlf("BEGIN:VCARD", "VERSION:4.0", "KIND:individual", "UID:7",
		`FN:Ann\, Doe\; `+strings.Repeat("é", 30), " "+strings.Repeat("é", 10), "N:Doe;Ann;;;", "ORG:Acme",
		"EMAIL:a@x.test", "TEL;VALUE=uri:tel:+3225551234", "TEL:1234", "LANG:fr", `CATEGORIES:a\,b,c`, "X-KITH-OWNER:bob@own.test",
		"X-KITH-NEVER-RECORD:yes", "END:VCARD")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("WriteVCards (-want +got):\n%s", diff)
	}
	for line := range strings.SplitSeq(out.String(), "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Errorf("the line %q is longer than 75 octets or cuts a character", line)
		}
	}
}

func TestWritersReturnTheErrorOfTheSequence(t *testing.T) {
	broken := errors.New("the register is gone")
	contacts := func(yield func(kith.Contact, error) bool) {
		_ = yield(kith.Contact{Name: "Ann"}, nil) && yield(kith.Contact{}, broken)
	}
	if err := contactfile.WriteCSV(&bytes.Buffer{}, contacts); !errors.Is(err, broken) {
		t.Errorf("WriteCSV: %v, want %v", err, broken)
	}
	if err := contactfile.WriteVCards(&bytes.Buffer{}, contacts); !errors.Is(err, broken) {
		t.Errorf("WriteVCards: %v, want %v", err, broken)
	}
}

// sound checks what every reader promises of every row.
func sound(t *testing.T, rows iter.Seq2[contactfile.Row, error], lines int) []kith.Contact {
	t.Helper()
	var contacts []kith.Contact
	last := 0
	number := regexp.MustCompile(`^(\+[1-9][0-9]{2,14}|[0-9]{3,20})$`)
	for row, err := range rows {
		if err != nil {
			break
		}
		if row.Line < last || row.Line > lines {
			t.Errorf("line %d after line %d of %d", row.Line, last, lines)
		}
		last = row.Line
		c := row.Contact
		if row.Verdict != contactfile.Good {
			if len(row.Problems) == 0 || !cmp.Equal(c, kith.Contact{}) {
				t.Errorf("a row that is %s has the problems %q and the contact %+v", row.Verdict, row.Problems, c)
			}
			continue
		}
		if c.Name == "" && len(c.Emails) == 0 && len(c.Phones) == 0 {
			t.Errorf("nothing to know the contact by: %+v", c)
		}
		for _, email := range c.Emails {
			if canonical, ok := address.Normalize(email); !ok || canonical != email {
				t.Errorf("the address %q is not canonical", email)
			}
		}
		for _, phone := range c.Phones {
			if !number.MatchString(phone) {
				t.Errorf("the phone number %q", phone)
			}
		}
		for _, s := range append([]string{c.ExternalID, c.Name, c.FirstName, c.LastName, c.Company, c.Title, c.Language, c.Owner}, c.Tags...) {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || strings.TrimSpace(s) != s {
				t.Errorf("the text %q is not one clean line", s)
			}
		}
		contacts = append(contacts, c)
	}
	for _, format := range []string{"csv", "vcard"} {
		if len(contacts) == 0 {
			break
		}
		again, file := settled(t, format, contacts...)
		if diff := cmp.Diff(contacts, again, cmpopts.EquateEmpty(), ignoreSource, cmpopts.IgnoreFields(kith.Contact{}, "Notes")); diff != "" {
			t.Errorf("read again as %s (-written +read):\n%s\n%q", format, diff, file)
		}
	}
	return contacts
}

func countLines(file []byte) int {
	return bytes.Count(file, []byte("\n")) + bytes.Count(file, []byte("\r")) + 1
}

func TestCompanyNamedLikeAnAddress(t *testing.T) {
	const card = "BEGIN:VCARD\nVERSION:4.0\nKIND:org\nFN:=@ a\nORG:=@ a\nEND:VCARD\n"
	for row, err := range contactfile.ReadVCards(strings.NewReader(card)) {
		if err != nil || row.Verdict != contactfile.Rejected {
			t.Errorf("an address is no name, of a company neither: %+v, %v", row, err)
		}
	}
}
