package message_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith/message"
)

func TestMessageID(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"nothing", "", ""},
		{"angle brackets alone", "<>", ""},
		{"a comment alone", "(none)", ""},
		{"longer than a line", "<" + strings.Repeat("a", 1000) + "@x>", ""},
		{"D08 normal", "<abc@x>", "<abc@x>"},
		{"D08 without brackets", "abc@x", "<abc@x>"},
		{"D08 blanks around", "  <abc@x> \t", "<abc@x>"},
		{"D08 blanks within", "< abc @ x >", "<abc@x>"},
		{"D08 folded", "<abc\r\n @x>", "<abc@x>"},
		{"D08 folded before", "\r\n <abc@x>", "<abc@x>"},
		{"D08 a comment", "(added by gateway) <abc@x> (really)", "<abc@x>"},
		{"D08 a comment with brackets", "(was <old@x>) <abc@x>", "<abc@x>"},
		{"D08 a comment within", "<abc(1)@x>", "<abc@x>"},
		{"D08 a comment without brackets", "abc@x (1)", "<abc@x>"},
		{"D08 a comment that stays open", "(was <abc@x>", "<abc@x>"},
		{"D08 case kept", "<AbC@X.Test>", "<AbC@X.Test>"},
		{"D08 quotes that mean nothing", `<"abc"@x>`, "<abc@x>"},
		{"D08 quotes that are needed", `<"a@b"@x>`, `<"a@b"@x>`},
		{"D08 a bracket that stays open", "<abc@x", "<abc@x>"},
		{"D08 brackets twice", "<<abc@x>>", "<abc@x>"},
		{"D08 encoded, as Exchange does", "=?utf-8?q?=3Cabc=40x=3E?=", "<abc@x>"},
		{"no at sign", "<11107978796724623>", "<11107978796724623>"},
		{"two ids: the first", "<a@x> <b@x>", "<a@x>"},
		{"A12 8 bits", "<\xe4bc@x>", "<äbc@x>"},
		{"A13 NUL", "<a\x00bc@x>", "<abc@x>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := message.ParseHeader([]byte("Message-ID: " + tt.in + "\r\n")).MessageID
			if got != tt.want {
				t.Errorf("Message-ID: %s = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestReferences(t *testing.T) {
	ids := func(from, to int) (list []string) {
		for i := from; i < to; i++ {
			list = append(list, fmt.Sprintf("<%d@x>", i))
		}
		return list
	}
	tests := []struct {
		name string
		in   string // header
		want []string
	}{
		{"none", "References: \r\n", nil},
		{"words", "In-Reply-To: your message of Monday\r\n", nil},
		{"one after the other", "References: <a@x> <b@x>\r\n", []string{"<a@x>", "<b@x>"}},
		{"without blanks", "References: <a@x><b@x>\r\n", []string{"<a@x>", "<b@x>"}},
		{"with commas", "References: <a@x>, <b@x>\r\n", []string{"<a@x>", "<b@x>"}},
		{"without brackets", "References: a@x b@x,c@x\r\n", []string{"<a@x>", "<b@x>", "<c@x>"}},
		{"folded", "References: <a@x>\r\n\t<b@x>\r\n <c@\r\n x>\r\n", []string{"<a@x>", "<b@x>", "<c@x>"}},
		{"given twice", "References: <a@x>\r\nReferences: <b@x>\r\n", []string{"<a@x>", "<b@x>"}},
		{"one is cut", "References: <a@x> <b@x <c@x>\r\n", []string{"<a@x>", "<b@x>", "<c@x>"}},
		{"D20 its own id and duplicates", "Message-ID: <me@x>\r\nReferences: <a@x> <me@x> <b@x> <a@x>\r\n", []string{"<a@x>", "<b@x>"}},
		{"D20 its own id alone", "Message-ID: <me@x>\r\nReferences: <me@x>\r\n", nil},
		{"D20 a cycle of many", "Message-ID: <me@x>\r\nReferences: " + strings.Repeat("<a@x> <b@x> <me@x> ", 50) + "\r\n", []string{"<a@x>", "<b@x>"}},
		{"D20 500 ids: the root's side and the end", "References: " + strings.Join(ids(0, 500), "\r\n ") + "\r\n", append(ids(0, 50), ids(450, 500)...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := message.ParseHeader([]byte(tt.in))
			if diff := cmp.Diff(tt.want, m.References); diff != "" {
				t.Errorf("%q (-want +got)\n%s", tt.in, diff)
			}
		})
	}
	t.Run("In-Reply-To in the old style", func(t *testing.T) {
		m := message.ParseHeader([]byte("In-Reply-To: Your message of \"Mon, 1 Jan 1996\" <a@x>\r\n"))
		if diff := cmp.Diff([]string{"<a@x>"}, m.InReplyTo); diff != "" {
			t.Error(diff)
		}
	})
}
