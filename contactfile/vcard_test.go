package contactfile_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith"
	"kith/contactfile"
)

func crlf(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

func vcard(line int, c kith.Contact, problems ...string) outcome {
	c.Source = "vcard"
	if c.Type == "" {
		c.Type = kith.Person
	}
	return outcome{line, contactfile.Good, c, problems}
}

func TestReadVCards(t *testing.T) {
	ann := kith.Contact{Name: "Ann Doe", FirstName: "Ann", LastName: "Doe", Emails: []string{"ann@x.test"}}
	for _, tc := range []struct {
		name string
		file string
		want []outcome
	}{
		{
			name: "version 4, everything",
			file: crlf("BEGIN:VCARD", "VERSION:4.0", "KIND:individual", "UID:urn:uuid:1", "FN:Ann Doe", "N:Doe;Ann;;;",
				"ORG:Acme\\, Inc.;Sales", "TITLE:Buyer", "EMAIL;TYPE=work:Ann@X.test", "EMAIL;PREF=1:a2@x.test",
				"TEL;VALUE=uri;TYPE=\"work,voice\":tel:+32-2-555-1234;ext=102", "LANG;PREF=2:fr", "LANG;PREF=1:nl-be", "CATEGORIES:vip,trade\\, fair",
				"X-KITH-OWNER:bob@own.test", "X-KITH-NEVER-RECORD:yes", "END:VCARD"),
			want: []outcome{vcard(1, kith.Contact{ExternalID: "urn:uuid:1", Name: "Ann Doe", FirstName: "Ann", LastName: "Doe",
				Company: "Acme, Inc.", Title: "Buyer", Emails: []string{"ann@x.test", "a2@x.test"}, Phones: []string{"+3225551234"},
				Language: "nl-BE", Tags: []string{"vip", "trade, fair"}, Owner: "bob@own.test", NeverRecord: true})},
		},
		{
			name: "B18 address in upper case with mailto:",
			file: crlf("BEGIN:VCARD", "VERSION:4.0", "FN:Ann Doe", "N:Doe;Ann", "EMAIL;VALUE=uri: MAILTO:ANN@X.Test ", "END:VCARD"),
			want: []outcome{vcard(1, ann)},
		},
		{
			name: "version 2.1 with bare parameters, quoted-printable over two lines and a charset",
			file: crlf("BEGIN:VCARD", "VERSION:2.1", "N;CHARSET=ISO-8859-2;ENCODING=QUOTED-PRINTABLE:Kov=E1=", "cs;Gy=F6rgy;;;",
				"EMAIL;PREF;INTERNET:ANN@x.test", "TEL;WORK;VOICE:+36 1 234 5678", "END:VCARD"),
			want: []outcome{vcard(1, kith.Contact{Name: "György Kovács", FirstName: "György", LastName: "Kovács",
				Emails: []string{"ann@x.test"}, Phones: []string{"+3612345678"}})},
		},
		{
			name: "a soft line break before the end of the card",
			file: crlf("BEGIN:VCARD", "VERSION:2.1", "FN;QUOTED-PRINTABLE:Ann=20Doe=", "END:VCARD", "BEGIN:VCARD", "FN:Bob", "END:VCARD"),
			want: []outcome{vcard(1, kith.Contact{Name: "Ann Doe"}), vcard(5, kith.Contact{Name: "Bob"})},
		},
		{
			name: "a base64 photo that ends with = is not quoted-printable",
			file: crlf("BEGIN:VCARD", "VERSION:2.1", "PHOTO;ENCODING=BASE64:AAAA=", "EMAIL:ann@x.test", "END:VCARD"),
			want: []outcome{vcard(1, kith.Contact{Emails: []string{"ann@x.test"}})},
		},
		{
			name: "folding within a character, by a blank and by a tab",
			file: "BEGIN:VCARD\nFN:Jos\xc3\n \xa9 Do\n\te\nEND:VCARD\n",
			want: []outcome{vcard(1, kith.Contact{Name: "José Doe"})},
		},
		{
			name: "CR CR LF line ends and folding over them",
			file: "BEGIN:VCARD\r\r\nFN:Ann\r\r\n  Doe\r\r\nN:Doe;Ann\r\r\nEMAIL:ann@x.test\r\r\nEND:VCARD\r\r\n",
			want: []outcome{vcard(1, ann)},
		},
		{
			name: "Windows-1252 without a charset",
			file: crlf("BEGIN:VCARD", "VERSION:3.0", "FN:Jos\xe9", "END:VCARD"),
			want: []outcome{vcard(1, kith.Contact{Name: "José"})},
		},
		{
			name: "groups, and names in lower case",
			file: crlf("begin:vcard", "fn:Ann Doe", "item1.n:Doe;Ann;;;", "item1.email;type=INTERNET:ann@x.test", "item1.X-ABLabel:_$!<Other>!$_", "end:vcard"),
			want: []outcome{vcard(1, ann)},
		},
		{
			name: "byte order mark, blank lines and text around the card",
			file: "\ufeff\r\nexported by something\r\n" + crlf("BEGIN:VCARD", "", "FN:Ann Doe", "N:Doe;Ann", "EMAIL:ann@x.test", "END:VCARD", "bye"),
			want: []outcome{vcard(3, ann)},
		},
		{
			name: "the card of an agent inside is not the contact, nor one of its own",
			file: crlf("BEGIN:VCARD", "VERSION:2.1", "N:Doe;Ann", "AGENT:", "BEGIN:VCARD", "FN:Agent", "EMAIL:agent@x.test", "END:VCARD", "EMAIL:ann@x.test", "END:VCARD"),
			want: []outcome{vcard(1, ann)},
		},
		{
			name: "a card without END ends where the next begins",
			file: crlf("BEGIN:VCARD", "FN:Ann Doe", "N:Doe;Ann", "EMAIL:ann@x.test", "BEGIN:VCARD", "FN:Bob"),
			want: []outcome{vcard(1, ann, "the card has no END:VCARD"), vcard(5, kith.Contact{Name: "Bob"}, "the card has no END:VCARD")},
		},
		{
			name: "a line without a colon costs itself",
			file: crlf("BEGIN:VCARD", "FN:Ann Doe", "nonsense", " folded", "N:Doe;Ann", "EMAIL:ann@x.test", "END:VCARD"),
			want: []outcome{vcard(1, ann)},
		},
		{
			name: "what is no address or number is left out and told",
			file: crlf("BEGIN:VCARD", "FN:Ann Doe", "N:Doe;Ann", "EMAIL;TYPE=X400:/G=Ann/S=Doe/C=BE", "EMAIL:ann@x.test", "EMAIL:", "TEL:MobilePhone", "END:VCARD"),
			want: []outcome{vcard(1, ann, "EMAIL: a value is no e-mail address", "TEL: a value is no phone number")},
		},
		{
			name: "nothing to know a contact by",
			file: crlf("BEGIN:VCARD", "VERSION:4.0", "FN:", "NOTE:x", "END:VCARD"),
			want: []outcome{rejected(1, "there is no name, e-mail address or phone number in it")},
		},
		{
			name: "companies: by KIND, by ORG alone, by ORG and the same FN, by Apple's word",
			file: crlf("BEGIN:VCARD", "KIND:org", "FN:Acme", "END:VCARD",
				"BEGIN:VCARD", "ORG:Acme", "EMAIL:info@acme.test", "END:VCARD",
				"BEGIN:VCARD", "N:;;;;", "FN:Acme", "ORG:Acme;", "END:VCARD",
				"BEGIN:VCARD", "N:Smith;;;;", "FN:Smith", "ORG:Smith", "X-ABShowAs:COMPANY", "END:VCARD"),
			want: []outcome{
				vcard(1, kith.Contact{Type: kith.Company, Name: "Acme"}),
				vcard(5, kith.Contact{Type: kith.Company, Name: "Acme", Emails: []string{"info@acme.test"}}),
				vcard(9, kith.Contact{Type: kith.Company, Name: "Acme"}),
				vcard(14, kith.Contact{Type: kith.Company, Name: "Smith", LastName: "Smith"}),
			},
		},
		{
			name: "persons: FN and another ORG without N, KIND says so",
			file: crlf("BEGIN:VCARD", "FN:Ann Doe", "ORG:Acme", "END:VCARD",
				"BEGIN:VCARD", "KIND:individual", "FN:Acme", "ORG:Acme", "END:VCARD"),
			want: []outcome{
				vcard(1, kith.Contact{Name: "Ann Doe", Company: "Acme"}),
				vcard(5, kith.Contact{Name: "Acme", Company: "Acme"}),
			},
		},
		{
			name: "a group is ignored",
			file: crlf("BEGIN:VCARD", "KIND:group", "FN:Team", "MEMBER:urn:uuid:1", "END:VCARD",
				"BEGIN:VCARD", "X-ADDRESSBOOKSERVER-KIND:group", "FN:Team", "END:VCARD"),
			want: []outcome{
				ignored(1, "KIND: neither a person nor an organisation, not read"),
				ignored(6, "KIND: neither a person nor an organisation, not read"),
			},
		},
		{
			name: "several given names, and a comma that version 2.1 means as one",
			file: crlf("BEGIN:VCARD", "VERSION:3.0", "N:Doe;Philip,Paul;;;", "END:VCARD",
				"BEGIN:VCARD", "VERSION:2.1", "N:Doe, Sr.;Ann;;;", "END:VCARD"),
			want: []outcome{
				vcard(1, kith.Contact{Name: "Philip Paul Doe", FirstName: "Philip Paul", LastName: "Doe"}),
				vcard(5, kith.Contact{Name: "Ann Doe, Sr.", FirstName: "Ann", LastName: "Doe, Sr."}),
			},
		},
		{
			name: "G08 an address as FN is no name",
			file: crlf("BEGIN:VCARD", "FN:'ann@x.test'", "EMAIL:ann@x.test", "END:VCARD"),
			want: []outcome{vcard(1, kith.Contact{Emails: []string{"ann@x.test"}})},
		},
		{
			name: "a photo of 3 MB on one line, and one that is folded",
			file: "BEGIN:VCARD\nPHOTO:data:image/jpeg;base64," + strings.Repeat("A", 3<<20) + "\nFN:Ann\nPHOTO:" +
				strings.Repeat("\n AAAA", 100_000) + "\nEND:VCARD\n",
			want: []outcome{vcard(1, kith.Contact{Name: "Ann"})},
		},
		{
			name: "a card with more addresses than anybody has",
			file: "BEGIN:VCARD\nFN:Ann\n" + strings.Repeat("EMAIL:nonsense\n", 10_000) + "END:VCARD\n",
			want: []outcome{vcard(1, kith.Contact{Name: "Ann"}, slices.Repeat([]string{"EMAIL: a value is no e-mail address"}, 50)...)},
		},
		{
			name: "a name without end is left out",
			file: "BEGIN:VCARD\nFN:Ann" + strings.Repeat("\n AAAAAAA", 50_000) + "\nEMAIL:ann@x.test\nEND:VCARD\n",
			want: []outcome{vcard(1, kith.Contact{Emails: []string{"ann@x.test"}}, "FN: left out, it is too long")},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := read(t, contactfile.ReadVCards(strings.NewReader(tc.file)))
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("ReadVCards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadVCardsRefusesAFileWithoutCards(t *testing.T) {
	for _, file := range []string{"", "name,email\n", "BEGIN:VCALENDAR\nEND:VCALENDAR\n"} {
		n := 0
		for row, err := range contactfile.ReadVCards(strings.NewReader(file)) {
			n++
			if err == nil || err.Error() != "vcard: no BEGIN:VCARD found in the file" {
				t.Errorf("ReadVCards(%q) = %+v, %v, want an error", file, row, err)
			}
		}
		if n != 1 {
			t.Errorf("ReadVCards(%q) yielded %d times, want one error", file, n)
		}
	}
}

func TestReadersReturnTheErrorOfTheFile(t *testing.T) {
	broken := func(start string) io.Reader {
		return io.MultiReader(strings.NewReader(start), failing{})
	}
	var last error
	for _, err := range contactfile.ReadCSV(broken("name\nAnn\nBob"), contactfile.Options{}) {
		last = err
	}
	if last == nil || last.Error() != "csv: read line 3: disk on fire" {
		t.Errorf("ReadCSV ended with %v, want the error of the file", last)
	}
	for _, err := range contactfile.ReadVCards(broken("BEGIN:VCARD\nFN:Ann\n")) {
		last = err
	}
	if last == nil || last.Error() != "vcard: read line 3: disk on fire" {
		t.Errorf("ReadVCards ended with %v, want the error of the file", last)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, fmt.Errorf("disk on fire") }

func TestInspectVCF(t *testing.T) {
	file := crlf("BEGIN:VCARD", "UID:7", "FN:Ann Doe", "ORG:Acme", "EMAIL:nonsense", "TEL:+32 2 555 12 34", "END:VCARD",
		"BEGIN:VCARD", "KIND:group", "END:VCARD")
	got, err := json.Marshal(contactfile.InspectVCF(strings.NewReader(file)))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"contacts":[{"kind":"person","name":"Ann Doe","company":"Acme","emails":[],"phones":["+3225551234"],"external_id":"7"}],` +
		`"warnings":["line 1: EMAIL: a value is no e-mail address","line 8: KIND: neither a person nor an organisation, not read"]}`
	if string(got) != want {
		t.Errorf("InspectVCF = %s\nwant %s", got, want)
	}
	got, err = json.Marshal(contactfile.InspectVCF(strings.NewReader("hello")))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"contacts":[],"warnings":["vcard: no BEGIN:VCARD found in the file"]}`; string(got) != want {
		t.Errorf("InspectVCF = %s\nwant %s", got, want)
	}
}

// corpus returns the folder of the ez-vcard files, or skips the test.
func corpus(t testing.TB) string {
	t.Helper()
	root := os.Getenv("KITH_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "corpora")
	}
	dir := filepath.Join(root, "ez-vcard", "src", "test", "resources", "ezvcard")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no vCard files of other programs: set KITH_CORPORA to the folder that holds ez-vcard")
	}
	return dir
}

// TestReadVCardsOfOtherPrograms reads what real address books wrote.
func TestReadVCardsOfOtherPrograms(t *testing.T) {
	dir := corpus(t)
	n4 := "Ñ Ñ Ñ Ñ"
	for _, tc := range []struct {
		file string
		want []outcome
	}{
		{"io/text/John_Doe_ANDROID.vcf", []outcome{
			vcard(1, kith.Contact{Emails: []string{"john.doe@company.com"}, Tags: []string{"My Contacts"}}),
			vcard(6, kith.Contact{Emails: []string{"jane.doe@company.com"}, Tags: []string{"My Contacts"}}),
			vcard(11, kith.Contact{Name: n4 + " Ñ", LastName: n4, Phones: []string{"123456789"}, Tags: []string{"My Contacts"}}),
			vcard(18, kith.Contact{Name: "Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ", LastName: "Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ Ñ",
				Phones: []string{"123456", "234567", "3456789", "45678901"}, Tags: []string{"My Contacts"}}),
			vcard(36, kith.Contact{Name: n4, LastName: "Ñ Ñ", FirstName: "Ñ Ñ Ñ", Company: strings.Repeat("Ñ", 12),
				Emails: []string{"bob@company.com"}, Phones: []string{"123456"}}, "EMAIL: a value is no e-mail address"),
			vcard(71, kith.Contact{Name: "ÑÑÑÑ", LastName: "ÑÑÑÑ", Company: strings.Repeat("Ñ", 44),
				Emails: []string{"henry@company.com"}, Phones: []string{"55556666"}, Tags: []string{"My Contacts"}}),
		}},
		{"io/text/John_Doe_BLACK_BERRY.vcf", []outcome{vcard(1, kith.Contact{
			Name: "John Doe", FirstName: "john", LastName: "Doe", Company: "Acme Solutions", Phones: []string{"+96123456789"}})}},
		{"io/text/John_Doe_EVOLUTION.vcf", []outcome{vcard(1, kith.Contact{
			ExternalID: "477343c8e6bf375a9bac1f96a5000837", Name: "Mr. John Richter, James Doe Sr.", FirstName: "John", LastName: "Doe",
			Company: "IBM", Emails: []string{"john.doe@ibm.com"}, Phones: []string{"9056661234", "9055551234"}, Title: "Money Counter", Tags: []string{"VIP"}})}},
		{"io/text/John_Doe_GMAIL.vcf", []outcome{vcard(1, kith.Contact{
			Name: "Mr. John Richter, James Doe Sr.", FirstName: "John", LastName: "Doe", Company: "IBM",
			Emails: []string{"john.doe@ibm.com"}, Phones: []string{"9055551234", "9056661234"}, Title: "Money Counter"})}},
		{"io/text/John_Doe_IPHONE.vcf", []outcome{vcard(1, kith.Contact{
			Name: "Mr. John Richter James Doe Sr.", FirstName: "John", LastName: "Doe", Company: "IBM",
			Emails: []string{"john.doe@ibm.com"}, Title: "Money Counter",
			Phones: []string{"9055551234", "9056661234", "9057771234", "9058881234", "9059991234", "9051111234", "9052221234"}})}},
		{"io/text/John_Doe_LOTUS_NOTES.vcf", []outcome{vcard(1, kith.Contact{
			ExternalID: "0e7602cc-443e-4b82-b4b1-90f62f99a199", Name: "Mr. Doe John I Johny", FirstName: "John", LastName: "Doe", Company: "IBM",
			Emails: []string{"john.doe@ibm.com", "billy_bob@gmail.com"}, Phones: []string{"+121220434456", "+12125557777"}, Title: "Generic Accountant"})}},
		{"io/text/John_Doe_MAC_ADDRESS_BOOK.vcf", []outcome{vcard(1, kith.Contact{
			Name: "Mr. John Richter,James Doe Sr.", FirstName: "John", LastName: "Doe", Company: "IBM",
			Emails: []string{"john.doe@ibm.com"}, Title: "Money Counter",
			Phones: []string{"9057771234", "9056661234", "9055551234", "9058881234", "9059991234", "9051111234", "9052221234"}})}},
		{"io/text/John_Doe_MS_OUTLOOK.vcf", []outcome{vcard(1, kith.Contact{
			Name: "Mr. John Richter James Doe Sr.", FirstName: "John", LastName: "Doe", Company: "IBM",
			Emails: []string{"john.doe@ibm.cm"}, Phones: []string{"9055551234", "9056661234"}, Title: "Money Counter"})}},
		{"io/text/fullcontact.vcf", []outcome{vcard(1, kith.Contact{
			Name: "Prefix FirstName MiddleName LastName Suffix", FirstName: "FirstName", LastName: "LastName", Company: "Organization1",
			Emails: []string{"home@example.com", "work@example.com", "school@example.com", "other@example.com", "custom@example.com"},
			Phones: []string{"5555551111", "5555551112", "5555551113", "5555551114", "5555551115", "5555551116", "5555551117", "5555551118", "5555551119"},
			Title:  "Title1", Tags: []string{"Tag"}})}},
		{"io/text/gmail-list.vcf", []outcome{
			vcard(1, kith.Contact{Name: "Arnold Smith", FirstName: "Arnold", LastName: "Smith", Emails: []string{"asmithk@gmail.com"}}),
			vcard(7, kith.Contact{Name: "Chris Beatle", FirstName: "Chris", LastName: "Beatle", Emails: []string{"chrisy55d@yahoo.com"}}),
			vcard(13, kith.Contact{Name: "Doug White", FirstName: "Doug", LastName: "White", Emails: []string{"dwhite@gmail.com"}}),
		}},
		{"io/text/gmail-single.vcf", []outcome{vcard(1, kith.Contact{
			Name: "Greg Dartmouth", FirstName: "Greg", LastName: "Dartmouth", Company: "TheCompany", Title: "TheJobTitle",
			Emails: []string{"gdartmouth@hotmail.com"}, Phones: []string{"5555551111", "5555552222"}})}},
		{"io/text/gmail-single2.vcf", []outcome{vcard(1, kith.Contact{
			Name: "VCard Test", FirstName: "VCard", LastName: "Test", Company: "TheCompany", Title: "TheJobTitle",
			Emails: []string{"email@example.com", "homeemail@example.com", "workemail@example.com", "otheremail@example.com", "customcategory@example.com"},
			Phones: []string{"5555551111", "5555551112", "5555551113", "5555551114", "5555551115", "5555551116", "5555551117", "5555551118",
				"5555551119", "5555551120", "5555551121"}})}},
		{"io/text/outlook-2003.vcf", []outcome{vcard(1, kith.Contact{
			Name: "John Doe III", FirstName: "John", LastName: "Doe", Company: "Company, The", Title: "The Job Title",
			Emails: []string{"jdoe@hotmail.com"}}, "TEL: a value is no phone number", "TEL: a value is no phone number",
			"TEL: a value is no phone number", "TEL: a value is no phone number")}},
		{"io/text/outlook-2007.vcf", []outcome{vcard(1, kith.Contact{
			Name: "Mr. Michael Angstadt Jr.", FirstName: "Michael", LastName: "Angstadt", Company: "TheCompany", Title: "TheJobTitle",
			Emails: []string{"mike.angstadt@gmail.com"}, Phones: []string{"1115551111", "1115552222", "1115554444", "1115553333"}})}},
		{"io/text/rfc2426-example.vcf", []outcome{
			vcard(1, kith.Contact{Name: "Frank Dawson", Company: "Lotus Development Corporation",
				Emails: []string{"frank_dawson@lotus.com", "fdawson@earthlink.net"}, Phones: []string{"+19196769515", "+19196769564"}}),
			vcard(13, kith.Contact{Name: "Tim Howes", Company: "Netscape Communications Corp.",
				Emails: []string{"howes@netscape.com"}, Phones: []string{"+14159373419", "+14155284164"}}),
		}},
		{"io/text/rfc6350-example.vcf", []outcome{vcard(1, kith.Contact{
			Name: "Simon Perreault", FirstName: "Simon", LastName: "Perreault", Company: "Viagenie", Language: "fr",
			Emails: []string{"simon.perreault@viagenie.ca"}, Phones: []string{"+14186569254", "+14182626501"}})}},
		{"io/text/thunderbird-MoreFunctionsForAddressBook-extension.vcf", []outcome{vcard(1, kith.Contact{
			Name: "John Doe", FirstName: "John", LastName: "Doe", Company: "TheOrganization", Title: "TheTitle",
			Emails: []string{"doe.john@hotmail.com", "additional-email@company.com", "additional-email1@company.com",
				"additional-email2@company.com", "additional-email3@company.com"},
			Phones: []string{"5555551111", "5555552222", "5555555555", "5555553333", "5555554444"},
			Tags:   []string{"category1, category2, category3"}})}},
		{"issue/issue114.vcf", []outcome{vcard(1, kith.Contact{
			ExternalID: "8b574c60-fd7f-4e99-b584-c5db131ae687", Name: "Dummy, Dummy", FirstName: "Dummy", LastName: "Dummy",
			Company: "Dummy GmbH", Emails: []string{"dummy.dummy@dummy.com"}, Phones: []string{"+49123456789", "+49987654321"}})}},
	} {
		t.Run(filepath.Base(tc.file), func(t *testing.T) {
			f, err := os.Open(filepath.Join(dir, tc.file))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if diff := cmp.Diff(tc.want, read(t, contactfile.ReadVCards(f)), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("ReadVCards (-want +got):\n%s", diff)
			}
		})
	}
}
