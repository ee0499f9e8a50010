package message_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/message"
)

// to reads a value as ParseHeader reads that of To.
func to(value string) []kith.Address {
	return message.ParseHeader([]byte("To: " + value + "\r\n\r\n")).To
}

func list(pairs ...string) []kith.Address {
	var l []kith.Address
	for i := 0; i < len(pairs); i += 2 {
		l = append(l, kith.Address{Name: pairs[i], Address: pairs[i+1]})
	}
	return l
}

func TestAddressList(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want []kith.Address
	}{
		{"nothing", "", nil},
		{"commas alone", " , ,; ", nil},
		{"empty angle brackets", "<>", nil},
		{"a bare address", "j@x.com", list("", "j@x.com")},
		{"a name and an address", "John Doe <J@X.com>", list("John Doe", "j@x.com")},
		{"A01 a comma in an encoded word", "=?utf-8?Q?Doe=2C_John?= <j@x.com>, b@x.com", list("Doe, John", "j@x.com", "", "b@x.com")},
		{"A01 a raw comma in an encoded word", "=?utf-8?Q?Doe, John?= <j@x.com>, b@x.com", list("Doe, John", "j@x.com", "", "b@x.com")},
		{"A01 a comma in base64", "=?utf-8?B?RG9lLCBKb2hu?= <j@x.com>", list("Doe, John", "j@x.com")},
		{"A01 an encoded word in quotes", `"=?utf-8?Q?Doe=2C_John?=" <j@x.com>`, list("Doe, John", "j@x.com")},
		{"A01 encoded words that look like other things", "=?utf-8?Q?Sales_=3CEMEA=3E=3B_Doe?= <j@x.com>", list("Sales <EMEA>; Doe", "j@x.com")},
		{"A01 several encoded words", "=?utf-8?Q?Doe=2C?= =?utf-8?Q?_John?= (EXT) <j@x.com>", list("Doe, John", "j@x.com")},
		{"A02 a comma in quotes", `"Doe, John" <j@x.com>, b@x.com`, list("Doe, John", "j@x.com", "", "b@x.com")},
		{"A02 a comma that should be in quotes", "Doe, John <j@x.com>, b@x.com", list("Doe, John", "j@x.com", "", "b@x.com")},
		{"A02 escaped quotes", `"John \"Jack\" Doe" <j@x.com>`, list(`John "Jack" Doe`, "j@x.com")},
		{"A03 a group", "Team: a@x.com, b@x.com;", list("", "a@x.com", "", "b@x.com")},
		{"A03 a group in quotes with names", `"My Team": Ann <a@x.com>, Bob <b@x.com>;, c@x.com`, list("Ann", "a@x.com", "Bob", "b@x.com", "", "c@x.com")},
		{"A03 a group that does not end", "Team: a@x.com, b@x.com", list("", "a@x.com", "", "b@x.com")},
		{"A03 two groups", "One: a@x.com; Two: b@x.com;", list("", "a@x.com", "", "b@x.com")},
		{"A04 an empty group", "undisclosed-recipients:;", nil},
		{"A04 an empty group in quotes", `"Undisclosed recipients": ;`, nil},
		{"A04 the words without the group", "Undisclosed recipients", nil},
		{"A04 the words made an address", "<Undisclosed-Recipient:@mail.x.com;>", nil},
		{"A04 with a domain behind it", "undisclosed-recipients:;@x.com", nil},
		{"A12 raw latin1", "J\xfcrgen <j@x.com>", list("Jürgen", "j@x.com")},
		{"A12 raw UTF-8", "Jürgen <j@x.com>", list("Jürgen", "j@x.com")},
		{"A13 NUL", "Jo\x00hn <j@x.com>", list("John", "j@x.com")},
		{"A14 direction marks and line separators", "Jo\u202ehn\u2028Doe <j@x.com>", list("John Doe", "j@x.com")},
		{"A15 backslash, quotes and percent", `"O'Neil \\ 100%" <j@x.com>`, list(`O'Neil \ 100%`, "j@x.com")},
		{"A16 a character cut in two", "=?utf-8?B?SsO8cmdlbiBTY2jD?= =?utf-8?B?tm4=?= <j@x.com>", list("Jürgen Schön", "j@x.com")},
		{"A25 X.500 in angle brackets", "Ann </o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=ann>", list("Ann", "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=ann")},
		{"A25 X.500 alone", "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=ann, b@x.com", list("", "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=ann", "", "b@x.com")},
		{"A25 encapsulated", "Ann <IMCEAEX-_O=EX_CN=ANN@x.com>", list("Ann", "IMCEAEX-_O=EX_CN=ANN@x.com")},
		{"A25 X.400 with its semicolons", "X400:c=US;a= ;p=Ex;s=Doe, b@x.com", list("", "X400:c=US;a= ;p=Ex;s=Doe", "", "b@x.com")},
		{"A25 a local name", "a@x.com, localrecipient", list("", "a@x.com", "", "localrecipient")},
		{"A26 all around an address", "<mailto:j@x.com>, 'k@x.com', \u00a0l@x.com\u200b, <m@x.com.>", list("", "j@x.com", "", "k@x.com", "", "l@x.com", "", "m@x.com")},
		{"A26 a scheme", "mailto:j@x.com, SMTP:k@x.com", list("", "j@x.com", "", "k@x.com")},
		{"G08 an address as name", "'j@x.com' <j@x.com>", list("", "j@x.com")},
		{"G08 an address in quotes as name", `"j@x.com" <j@x.com>`, list("", "j@x.com")},
		{"G08 another address as name", "k@x.com <j@x.com>", list("", "j@x.com")},
		{"G08 a name in single quotes", "'John Doe' <j@x.com>", list("John Doe", "j@x.com")},
		{"G08 a name in both quotes", `"'John Doe'" <j@x.com>`, list("John Doe", "j@x.com")},
		{"G08 surname first and a mark", `"DOE John (EXT)" <j@x.com>`, list("DOE John (EXT)", "j@x.com")},
		{"G08 Chinese", "=?gb2312?B?1cXI/Q==?= <z@x.com>", list("张三", "z@x.com")},
		{"G08 one word", "Ann <a@x.com>", list("Ann", "a@x.com")},
		{"G08 quotes alone", `"" <a@x.com>, "'" <b@x.com>`, list("", "a@x.com", "", "b@x.com")},
		{"B09 via a list", `"Ann via List" <list@x.com>`, list("Ann via List", "list@x.com")},
		{"a comment as name", "j@x.com (John Doe)", list("John Doe", "j@x.com")},
		{"a nested comment", "j@x.com (John (Jack) Doe)", list("John (Jack) Doe", "j@x.com")},
		{"a comment within", "j@x.com(work), b@x.com", list("work", "j@x.com", "", "b@x.com")},
		{"a comment with a comma", "j@x.com (Doe, John), b@x.com", list("Doe, John", "j@x.com", "", "b@x.com")},
		{"a comment beside a name", "John <j@x.com> (work)", list("John", "j@x.com")},
		{"a parenthesis that stays open", "j@x.com (John, b@x.com", list("", "j@x.com", "", "b@x.com")},
		{"an obsolete route", "John <@a.com,@b.com:j@x.com>, b@x.com", list("John", "j@x.com", "", "b@x.com")},
		{"dots in a name", "John Q. Public <j@x.com>", list("John Q. Public", "j@x.com")},
		{"semicolons between, as Outlook writes", "a@x.com; Bob <b@x.com>; c@x.com", list("", "a@x.com", "Bob", "b@x.com", "", "c@x.com")},
		{"a quote that stays open", `"Doe <j@x.com>, b@x.com`, list("Doe", "j@x.com", "", "b@x.com")},
		{"a quote that stays open before one that closes", `"Doe <j@x.com>, "Smith, Bob" <b@x.com>`, list("Doe", "j@x.com", "Smith, Bob", "b@x.com")},
		{"a bracket that stays open", "John <j@x.com, b@x.com", list("John", "j@x.com", "", "b@x.com")},
		{"a bracket that stays open before another", "John <j@x.com, Bob <b@x.com>", list("John", "j@x.com", "Bob", "b@x.com")},
		{"brackets twice", "John <<j@x.com>>, b@x.com", list("John", "j@x.com", "", "b@x.com")},
		{"a list in brackets", "<a@x.com, b@x.com>", list("", "a@x.com", "", "b@x.com")},
		{"a comma that is missing", "Ann <a@x.com> Bob <b@x.com>", list("Ann", "a@x.com", "Bob", "b@x.com")},
		{"blanks between addresses", "a@x.com b@x.com", list("", "a@x.com", "", "b@x.com")},
		{"a name before a bare address", "Jøhn Døe bar@baz.com", list("Jøhn Døe", "bar@baz.com")},
		{"an address in quotes", `"j@x.com"`, list("", "j@x.com")},
		{"a quoted local part", `"john doe"@x.com, b@x.com`, list("", `"john doe"@x.com`, "", "b@x.com")},
		{"a quoted local part in brackets", `John <"a,b>c"@x.com>`, list("John", `"a,b>c"@x.com`)},
		{"an address literal", "John <j@[IPv6:::1]>, k@[192.0.2.1]", list("John", "j@[ipv6:::1]", "", "k@[192.0.2.1]")},
		{"folded", "John\r\n Doe <j@x.com>,\r\n\tb@x.com", list("John Doe", "j@x.com", "", "b@x.com")},
		{"an empty line within", "a@x.com,\r\n\t\r\n\tb@x.com", list("", "a@x.com", "", "b@x.com")},
		{"an encoded word around all", "=?utf-8?Q?John_=3Cj=40x=2Ecom=3E?=", list("", "j@x.com")},
		{"an encoded address", "John <=?utf-8?Q?j=40x.com?=>", list("John", "j@x.com")},
		{"a name that is empty in the end", "=?utf-8?Q??= <j@x.com>", list("", "j@x.com")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, to(tt.in)); diff != "" {
				t.Errorf("To: %s (-want +got)\n%s", tt.in, diff)
			}
		})
	}
}

func TestManyAddresses(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "Ann %d <ann.%d@x.com>,\r\n ", i, i)
		}
		return b.String()
	}
	t.Run("A17 3,000 recipients are all kept", func(t *testing.T) {
		got := to(many(3000))
		if len(got) != 3000 || got[2999] != (kith.Address{Name: "Ann 2999", Address: "ann.2999@x.com"}) {
			t.Errorf("%d recipients, the last %v", len(got), got[len(got)-1])
		}
	})
	t.Run("A17 more than 10,000 are cut", func(t *testing.T) {
		m := message.ParseHeader([]byte("From: a@x.com\r\nTo: " + many(12_000) + "\r\n\r\n"))
		if len(m.To) != 10_000 {
			t.Errorf("%d recipients, want 10,000", len(m.To))
		}
		if diff := cmp.Diff([]string{"To has more than 10000 addresses: the rest is left out"}, m.Warnings); diff != "" {
			t.Error(diff)
		}
	})
}

// Text that makes a parser with a backward look or a nested search slow.
func TestAddressListTakesLinearTime(t *testing.T) {
	for _, piece := range []string{`"`, "(", "<", "=?", "=?utf-8?q?", `"\`, "<\"", "a,", "[", ":", "(\\", "=?a?q?=", "<a@x,"} {
		raw := []byte("To: " + strings.Repeat(piece, (1<<20)/len(piece)) + "\r\nReferences: " + strings.Repeat(piece, 1000) + "\r\n\r\n")
		message.ParseHeader(raw) // the test's own time limit is the check
		message.ParseHeader([]byte("References: " + strings.Repeat(piece+"<", (1<<20)/(len(piece)+1)) + "\r\n\r\n"))
		message.ParseHeader([]byte("Content-Type: multipart/report; " + strings.Repeat(piece+";", (1<<20)/(len(piece)+1)) + "\r\n\r\n"))
		message.ParseHeader([]byte("Subject: " + strings.Repeat(piece, (1<<20)/len(piece)) + "\r\n\r\n"))
	}
}
