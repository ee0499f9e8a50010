package contactfile_test

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/encoding/unicode"

	"kith"
	"kith/contactfile"
)

// outcome is a row without its offset, with the contact only if there is one.
type outcome struct {
	Line     int
	Verdict  contactfile.Verdict
	Contact  kith.Contact
	Problems []string
}

func read(t *testing.T, rows iter.Seq2[contactfile.Row, error]) []outcome {
	t.Helper()
	var got []outcome
	for row, err := range rows {
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		got = append(got, outcome{row.Line, row.Verdict, row.Contact, row.Problems})
	}
	return got
}

func readCSV(t *testing.T, file string, opts contactfile.Options) []outcome {
	t.Helper()
	return read(t, contactfile.ReadCSV(strings.NewReader(file), opts))
}

// person is a contact of a CSV file.
func person(c kith.Contact) kith.Contact {
	c.Source = "csv"
	if c.Type == "" {
		c.Type = kith.Person
	}
	return c
}

func good(line int, c kith.Contact, problems ...string) outcome {
	return outcome{line, contactfile.Good, person(c), problems}
}

func rejected(line int, problems ...string) outcome {
	return outcome{Line: line, Verdict: contactfile.Rejected, Problems: problems}
}

func ignored(line int, problems ...string) outcome {
	return outcome{Line: line, Verdict: contactfile.Ignored, Problems: problems}
}

func TestReadCSV(t *testing.T) {
	ann := kith.Contact{Name: "Ann", Emails: []string{"ann@x.test"}}
	bob := kith.Contact{Name: "Bob", Emails: []string{"bob@x.test"}}
	for _, tc := range []struct {
		name string
		file string
		opts contactfile.Options
		want []outcome
	}{
		{
			name: "every column",
			file: "external_id,type,name,first_name,last_name,company,email,phone,title,language,owner,tags,never_record\n" +
				"7,person,Ann Doe,Ann,Doe,Acme,ann@x.test,+32 2 555 12 34,Buyer,nl-be,bob@own.test,vip; fair,yes\n" +
				"8,Company,Acme,,,,info@acme.test,,,,,,no\n",
			want: []outcome{
				good(2, kith.Contact{ExternalID: "7", Name: "Ann Doe", FirstName: "Ann", LastName: "Doe", Company: "Acme",
					Emails: []string{"ann@x.test"}, Phones: []string{"+3225551234"}, Title: "Buyer", Language: "nl-BE",
					Owner: "bob@own.test", Tags: []string{"vip", "fair"}, NeverRecord: true}),
				good(3, kith.Contact{ExternalID: "8", Type: kith.Company, Name: "Acme", Emails: []string{"info@acme.test"}}),
			},
		},
		{
			name: "columns in any order and case, and repeated",
			file: "EMAIL, First Name ,Email2,phone,Phone2,email3\nann@x.test,Ann,a2@x.test,1234,5678,a2@x.test\n",
			want: []outcome{good(2, kith.Contact{Name: "Ann", FirstName: "Ann",
				Emails: []string{"ann@x.test", "a2@x.test"}, Phones: []string{"1234", "5678"}})},
		},
		{
			name: "B18 address with spaces, upper case and mailto:",
			file: "name,email\nAnn, MAILTO:Ann@X.Test \nBob,\"<BOB@x.test.>; 'bob@X.test'\"\n",
			want: []outcome{good(2, ann), good(3, bob)},
		},
		{
			name: "a wrong address is left out while others remain, and told",
			file: "name,email,phone\nAnn,ann@x.test;nonsense,\n,nonsense,\nBob,bob@x.test,call me\n",
			want: []outcome{
				good(2, ann, "email: a value is no e-mail address"),
				rejected(3, "email: a value is no e-mail address", "there is no name, e-mail address or phone number in it"),
				good(4, bob, "phone: a value is no phone number"),
			},
		},
		{
			name: "unknown columns are told once",
			file: "name,shoe size,email,colour\nAnn,38,ann@x.test,red\nBob,44,bob@x.test,blue\n",
			want: []outcome{ignored(1, "columns not read: shoe size, colour"), good(2, ann), good(3, bob)},
		},
		{
			name: "unknown columns are notes if asked",
			file: "name,Shoe Size,email,memo\nAnn,38,ann@x.test,\"two\r\n lines\"\n",
			opts: contactfile.Options{Notes: true},
			want: []outcome{good(2, kith.Contact{Name: "Ann", Emails: []string{"ann@x.test"},
				Notes: map[string]string{"shoe size": "38", "memo": "two\nlines"}})},
		},
		{
			name: "byte order mark and CRLF",
			file: "\ufeffname,email\r\nAnn,ann@x.test\r\n\r\nBob,bob@x.test",
			want: []outcome{good(2, ann), good(4, bob)},
		},
		{
			name: "lone CR as line end",
			file: "name,email\rAnn,ann@x.test\rBob,bob@x.test\r",
			want: []outcome{good(2, ann), good(3, bob)},
		},
		{
			name: "semicolons, with values separated by quoted ones",
			file: "name;email\nAnn;ann@x.test\nBob;\"bob@x.test;b2@x.test\"\n",
			want: []outcome{good(2, ann), good(3, kith.Contact{Name: "Bob", Emails: []string{"bob@x.test", "b2@x.test"}})},
		},
		{
			name: "tabs",
			file: "name\temail\nAnn\tann@x.test\n",
			want: []outcome{good(2, ann)},
		},
		{
			name: "the separator is announced in the first line",
			file: "sep=;\r\nname;email\r\nAnn;ann@x.test\r\n",
			want: []outcome{good(3, ann)},
		},
		{
			name: "Windows-1252 in one row only",
			file: "name,email\nJos\xe9 \x80,ann@x.test\nJosé,bob@x.test\nRen\xe9e,c@x.test\n",
			want: []outcome{
				good(2, kith.Contact{Name: "José €", Emails: ann.Emails},
					"the text is no UTF-8: read as Windows-1252, here and wherever it is so"),
				good(3, kith.Contact{Name: "José", Emails: bob.Emails}),
				good(4, kith.Contact{Name: "Renée", Emails: []string{"c@x.test"}}),
			},
		},
		{
			name: "a quoted value over several lines",
			file: "name,email,title\n\"Ann\",ann@x.test,\"Head\nof \"\"Sales\"\"\"\nBob,bob@x.test,\n",
			want: []outcome{
				good(2, kith.Contact{Name: "Ann", Emails: ann.Emails, Title: `Head of "Sales"`}), good(4, bob),
			},
		},
		{
			name: "a quote that is not closed costs its row",
			file: "name,email,title\n\"Ann,ann@x.test,\nBob,bob@x.test,\n\"Cy\",c@x.test,\nDan,d@x.test,\n",
			want: []outcome{
				rejected(2, "text follows a closing quote: a quote within quotes is written twice"), good(3, bob),
				good(4, kith.Contact{Name: "Cy", Emails: []string{"c@x.test"}}),
				good(5, kith.Contact{Name: "Dan", Emails: []string{"d@x.test"}}),
			},
		},
		{
			name: "a quote that is not closed by the end of the file costs its row",
			file: "name,email\n\"Ann,ann@x.test\nBob,bob@x.test\n",
			want: []outcome{rejected(2, "a quote is not closed"), good(3, bob)},
		},
		{
			name: "two rows with a quote too few are not taken for one",
			file: "name,email\n\"Ann,ann@x.test\nCy\",c@x.test,\nBob,bob@x.test\n",
			want: []outcome{
				rejected(2, "a quote is not closed"),
				rejected(3, "it has 3 of 2 fields, and line 2 before it has a broken quote"),
				good(4, bob),
			},
		},
		{
			name: "the rest of a broken record is no contact",
			file: "name,email,title\nAnn,ann@x.test,\"a \"big\"\nname of a title\nBob,bob@x.test,\n",
			want: []outcome{
				rejected(2, "text follows a closing quote: a quote within quotes is written twice"),
				rejected(3, "it has 1 of 3 fields, and line 2 before it has a broken quote"),
				good(4, bob),
			},
		},
		{
			name: "a quote within a value that is not quoted is text",
			file: "name,email\nAnn \"Annie\" Doe,ann@x.test\n \"Bob\" ,bob@x.test\n",
			want: []outcome{good(2, kith.Contact{Name: `Ann "Annie" Doe`, Emails: ann.Emails}), good(3, bob)},
		},
		{
			name: "too many fields, too few, and none",
			file: "name,email,title\nDoe, Ann,ann@x.test,\nBob,bob@x.test\n,,\nAnn,ann@x.test,\n",
			want: []outcome{
				rejected(2, "it has 4 fields, the header has 3: a value with the separator in it needs quotes"),
				good(3, bob), good(5, ann),
			},
		},
		{
			name: "never_record that can't be read rejects the row",
			file: "name,never_record\nAnn,x\nBob,maybe\nCy,1\nDan,FALSE\n",
			want: []outcome{
				good(2, kith.Contact{Name: "Ann", NeverRecord: true}),
				rejected(3, "never_record: it is neither yes nor no"),
				good(4, kith.Contact{Name: "Cy", NeverRecord: true}),
				good(5, kith.Contact{Name: "Dan"}),
			},
		},
		{
			name: "type that can't be read rejects the row",
			file: "name,type\nAnn,COMPANY\nBob,friend\n",
			want: []outcome{
				good(2, kith.Contact{Name: "Ann", Type: kith.Company}),
				rejected(3, "type: it is neither person nor company"),
			},
		},
		{
			name: "a language that is none is left out",
			file: "name,language\nAnn,French\nBob,ZH_hant_tw\n",
			want: []outcome{
				good(2, kith.Contact{Name: "Ann"}, "language: left out, it is no language tag such as fr or nl-BE"),
				good(3, kith.Contact{Name: "Bob", Language: "zh-Hant-TW"}),
			},
		},
		{
			name: "a value that is too long is left out",
			file: "name,email,title\nAnn,ann@x.test," + strings.Repeat("x", 5000) + "\n",
			want: []outcome{good(2, ann, "title: left out, it is longer than 4096 bytes")},
		},
		{
			name: "a line that is too long costs its row",
			file: "name,email\n" + strings.Repeat("x", 1<<20+1) + ",\nAnn,ann@x.test\n",
			want: []outcome{rejected(2, "the line is too long"), good(3, ann)},
		},
		{
			name: "an apostrophe before a formula is taken off, others stay",
			file: "name,phone\n'=1+1,'+32 2 555 12 34\n''-x,\n't Hooft,\n",
			want: []outcome{
				good(2, kith.Contact{Name: "=1+1", Phones: []string{"+3225551234"}}),
				good(3, kith.Contact{Name: "'-x"}),
				good(4, kith.Contact{Name: "'t Hooft"}),
			},
		},
		{
			name: "a column twice",
			file: "name,email,name\n,ann@x.test,Ann\n",
			want: []outcome{ignored(1, "name: the column is there twice, the first that has a value is taken"), good(2, ann)},
		},
		{
			name: "NUL, control and direction characters",
			file: "name,email\nA\x00n\u202en\u200b,ann@x.test\n",
			want: []outcome{good(2, ann)},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := readCSV(t, tc.file, tc.opts)
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("ReadCSV (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadCSVNames(t *testing.T) {
	for _, tc := range []struct {
		name, row string // first_name;last_name;name;email
		want      string
	}{
		{"G08 a name and a remark before the address", `;;;"""DOE John (EXT)"" <j@x.test>"`, "DOE John"},
		{"G08 the address in quotes as name", `;;'j@x.test';j@x.test`, ""},
		{"G08 the address as name", `;;J@X.test;j@x.test`, ""},
		{"G08 the address as its own display name", `;;;j@x.test <j@x.test>`, ""},
		{"G08 Chinese, in parts", `小明;王;;`, "王小明"},
		{"G08 Korean, in one", `;;김철수;`, "김철수"},
		{"G08 one word", `;;Madonna;`, "Madonna"},
		{"G08 quotes around a name", `;;"""Ann Doe""";`, "Ann Doe"},
		{"G08 a mailbox as name", `;;Ann Doe <ann@x.test>;ann@x.test`, "Ann Doe"},
		{"the name goes before its parts", `Ann;Doe;Dr. Ann Doe;`, "Dr. Ann Doe"},
		{"the name's own column goes before a display name", `;;Ann;Annie <ann@x.test>`, "Ann"},
		{"parts of a name", `Ann;Doe;;`, "Ann Doe"},
		{"decomposed letters", ";;Rene\u0301e;", "Renée"},
		{"a joiner within a word stays", ";;می\u200cخواهم;", "می\u200cخواهم"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := readCSV(t, "first_name;last_name;name;email\n"+tc.row+"\n", contactfile.Options{})
			if len(got) != 1 || got[0].Verdict != contactfile.Good || got[0].Contact.Name != tc.want {
				t.Errorf("ReadCSV(%s) = %+v, want one contact named %q", tc.row, got, tc.want)
			}
		})
	}
}

func TestReadCSVPhones(t *testing.T) {
	for _, tc := range []struct{ name, phone, want string }{
		{"no number", "BusinessPhone", ""},
		{"a vanity number", "1-800-FLOWERS", ""},
		{"too short", "12", ""},
		{"too long for E.164", "+1234567890123456", ""},
		{"a country code begins with no nought", "+0324445566", ""},
		{"a plus within", "32+25551234", ""},
		{"with +", "+32 (2) 555-12.34", "+3225551234"},
		{"with 00", "00-1-212-555-7777", "+12125557777"},
		{"with a trunk prefix in brackets", "+44 (0)20 7946 0000", "+442079460000"},
		{"national", "(02) 555 12 34", "025551234"},
		{"a tel URI", "tel:+1-418-656-9254", "+14186569254"},
		{"an extension", "+1 418 656 9254 ext. 102", "+14186569254"},
		{"full-width digits", "＋３２２５５５１２３４", "+3225551234"},
		{"no-break blanks and direction marks", "\u202a+32\u00a02 555 12 34\u202c", "+3225551234"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := readCSV(t, "name,phone\nAnn,"+tc.phone+"\n", contactfile.Options{})
			want := good(2, kith.Contact{Name: "Ann", Phones: []string{tc.want}})
			if tc.want == "" {
				want = good(2, kith.Contact{Name: "Ann"}, "phone: a value is no phone number")
			}
			if diff := cmp.Diff([]outcome{want}, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("ReadCSV(%q) (-want +got):\n%s", tc.phone, diff)
			}
		})
	}
}

func TestReadCSVUTF16(t *testing.T) {
	const file = "name;email\r\nJosé Ωμέγα;ann@x.test\r\n"
	want := []outcome{good(2, kith.Contact{Name: "José Ωμέγα", Emails: []string{"ann@x.test"}})}
	for name, endian := range map[string]unicode.Endianness{"little": unicode.LittleEndian, "big": unicode.BigEndian} {
		encoded, err := unicode.UTF16(endian, unicode.UseBOM).NewEncoder().String(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, readCSV(t, encoded, contactfile.Options{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s endian (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadCSVRefusesAFileWithoutHeader(t *testing.T) {
	for _, tc := range []struct{ name, file, want string }{
		{"an empty file", "\ufeff\n\n", "csv: the file is empty: the first row must name the columns"},
		{"no header row", "Ann,ann@x.test\n", "csv: line 1: the first row must name the columns, and one of them be name, first_name, last_name, email or phone"},
		{"a header that is broken", "name,email,\"title\" x\n", "csv: line 1, the header: text follows a closing quote: a quote within quotes is written twice"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for row, err := range contactfile.ReadCSV(strings.NewReader(tc.file), contactfile.Options{}) {
				if err == nil || err.Error() != tc.want {
					t.Errorf("ReadCSV = %+v, %v, want the error %q", row, err, tc.want)
				}
			}
		})
	}
}

// TestReadCSVHoldsNoMoreThanARow reads far more than it may hold.
func TestReadCSVHoldsNoMoreThanARow(t *testing.T) {
	const rows = 300_000
	file := &generated{header: "external_id,name,email,phone,company,tags\n", rows: rows}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	for row, err := range contactfile.ReadCSV(file, contactfile.Options{}) {
		if err != nil || row.Verdict != contactfile.Good {
			t.Fatalf("row %+v, error %v", row, err)
		}
		if n++; n == rows-1 {
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
	}
	if n != rows {
		t.Errorf("read %d rows, want %d", n, rows)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes while %d bytes were read", grown, file.made)
	}
}

// generated is a CSV file that is made while it is read.
type generated struct {
	header string
	rows   int
	next   int
	made   int
	rest   []byte
}

func (g *generated) Read(p []byte) (int, error) {
	if len(g.rest) == 0 {
		switch {
		case g.next == 0:
			g.rest = append(g.rest, g.header...)
		case g.next > g.rows:
			return 0, io.EOF
		default:
			g.rest = fmt.Appendf(g.rest, "%d,Ann Number %d,Ann.%d@client%d.test,+32 2 555 %04d,\"Acme, Inc. %d\",vip;fair\n",
				g.next, g.next, g.next, g.next%100, g.next%10000, g.next%1000)
		}
		g.next++
	}
	n := copy(p, g.rest)
	g.rest = g.rest[:copy(g.rest, g.rest[n:])]
	g.made += n
	return n, nil
}

func BenchmarkReadCSV(b *testing.B) {
	var file bytes.Buffer
	if _, err := file.ReadFrom(&generated{header: "external_id,name,email,phone,company,tags\n", rows: 100_000}); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range contactfile.ReadCSV(bytes.NewReader(file.Bytes()), contactfile.Options{}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
