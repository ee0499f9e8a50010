package message_test

import (
	"strings"
	"testing"

	"kith/message"
)

func TestSnippet(t *testing.T) {
	plain := part("text/plain", 0)
	latin1 := part("text/plain", 0, "charset", "iso-8859-1")
	quotedPrintable := &message.Part{MediaType: "text/plain", Encoding: "Quoted-Printable", Params: map[string]string{"charset": "utf-8"}}
	b64 := &message.Part{MediaType: "text/plain", Encoding: "base64", Params: map[string]string{"charset": "utf-8"}}
	htm := part("text/html", 0, "charset", "utf-8")
	tests := []struct {
		name string
		part *message.Part
		in   string
		want string
	}{
		{"nothing", plain, "", ""},
		{"blanks alone", plain, " \r\n\t\r\n", ""},
		{"one line of it", plain, "Hello  Ann,\r\n\r\n\tthe offer.\r\n", "Hello Ann, the offer."},
		{"500 characters, not bytes", plain, strings.Repeat("ü", 600), strings.Repeat("ü", 500)},
		{"500 characters, at a blank", plain, strings.Repeat("x", 499) + " y", strings.Repeat("x", 499)},
		{"charset", latin1, "Gr\xfc\xdfe", "Grüße"},
		{"A11 charset that is none", part("text/plain", 0, "charset", "x-unknown"), "Grüße", "Grüße"},
		{"A11 no charset, latin1", plain, "Gr\xfc\xdfe", "Grüße"},
		{"A13 NUL", plain, "a\x00b", "ab"},
		{"A14 controls and direction marks", plain, "a\x1b[1mb\u202ec", "a[1mbc"},
		{"A14 invalid UTF-8", part("text/plain", 0, "charset", "utf-8"), "a\xffb", "a\ufffdb"},
		{"quoted-printable", quotedPrintable, "Gr=C3=BC=C3=9Fe an =\r\nalle =3D", "Grüße an alle ="},
		{"quoted-printable, damaged", quotedPrintable, "a=ZZ b= \r\nc=", "a=ZZ bc"},
		{"quoted-printable, cut within a character", quotedPrintable, "Gr=C3=BC=C3", "Grü"},
		{"base64", b64, "R3LDvMOfZSBhbg0KYWxsZQ==", "Grüße an alle"},
		{"base64, in lines", b64, "R3LDvMOf\r\nZSBhbg0K\r\nYWxsZQ==\r\n", "Grüße an alle"},
		{"base64, cut", b64, "R3LDvMOfZSBhb", "Grüße a"},
		{"base64, cut within a character", b64, "R3LD", "Gr"},
		{"A23 base64, garbage", b64, "R3L*DvM OfZ$SBh", "Grüße a"},
		{"A22 nothing to read in it", b64, "====", ""},

		{"A29 HTML", htm, "<html><head><title>T</title><style>p{color:red}</style></head><body><p>Hello&nbsp;Ann,</p><p>the <b>offer</b> &amp; more<br>thanks</p><script>alert(1)</script></body></html>", "Hello Ann, the offer & more thanks"},
		{"A29 HTML that does not end", htm, "<div><p>Hello <b>Ann", "Hello Ann"},
		{"A29 HTML cut in a tag", htm, "<p>Hello</p><a href=\"http://x", "Hello"},
		{"A29 HTML with a comment", htm, "<p>Hello<!-- <b>not</b> --> Ann</p><!--[if mso]>x<![endif]-->", "Hello Ann"},
		{"A29 a table", htm, "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b c"},
		{"A29 hidden text", htm, `<div style="display: none">Preview</div><span hidden>x</span><p>Hello</p>`, "Hello"},
		{"A29 padding that can't be seen", htm, "<p>Hello</p><div>&zwnj;&nbsp;&zwnj;&nbsp;&#847; &#8203;</div><p>Ann</p>", "Hello Ann"},
		{"A29 charset told in the HTML", part("text/html", 0), "<meta charset=\"windows-1251\"><p>\xcf\xf0\xe8\xe2\xe5\xf2</p>", "Привет"},
		{"A29 Gmail's history", htm, `<div dir="ltr">Yes.</div><br><div class="gmail_quote"><div class="gmail_attr">On Mon, Ann wrote:<br></div><blockquote class="gmail_quote">No?</blockquote></div>`, "Yes."},
		{"A29 Thunderbird's history", htm, `<p>Yes.</p><div class="moz-cite-prefix">Am 23.11.2026 um 09:15 schrieb Ann:<br></div><blockquote type="cite" cite="mid:1"><p>No?</p></blockquote><p>Below.</p>`, "Yes. Below."},
		{"A29 Outlook's history", htm, `<p>Yes.</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Ann</div><p>No?</p>`, "Yes."},
		{"A29 old Outlook's history", htm, `<p>Yes.</p><div style="border-top:solid"><p><b>From:</b> Ann<br><b>Sent:</b> Monday<br><b>To:</b> Bob<br><b>Subject:</b> Q</p></div><p>No?</p>`, "Yes."},

		{"A29 quoted lines", plain, "Yes.\r\n> No?\r\n>> Why?\r\nSure.\r\n", "Yes. Sure."},
		{"A29 introduced", plain, "Yes.\r\n\r\nOn Mon, Nov 23, 2026 at 9:15 AM Ann <ann@x.com> wrote:\r\n> No?\r\n", "Yes."},
		{"A29 introduced over two lines", plain, "Yes.\r\n\r\nOn Mon, Nov 23, 2026 at 9:15 AM Ann Doe\r\n<ann@x.com> wrote:\r\n\r\n> No?\r\n\r\nSure.", "Yes. Sure."},
		{"A29 introduced, the rest not marked", plain, "Yes.\n\nOn 23/11/2026 09:15, Ann wrote:\nNo?\nWhy?", "Yes."},
		{"A29 in German", plain, "Ja.\n\nAm Mo., 23. Nov. 2026 um 09:15 Uhr schrieb Ann <ann@x.com>:\n> Nein?", "Ja."},
		{"A29 in French", plain, "Oui.\n\nLe lun. 23 nov. 2026 à 09:15, Ann <ann@x.com> a écrit :\n> Non ?", "Oui."},
		{"A29 in Dutch", plain, "Ja.\n\nOp ma 23 nov 2026 om 09:15 schreef Ann <ann@x.com>:\n> Nee?", "Ja."},
		{"A29 in Italian", plain, "Sì.\n\nIl giorno lun 23 nov 2026 alle ore 09:15 Ann <ann@x.com> ha scritto:\n> No?", "Sì."},
		{"A29 in Spanish", plain, "Sí.\n\nEl lun, 23 nov 2026 a las 9:15, Ann (<ann@x.com>) escribió:\n> ¿No?", "Sí."},
		{"A29 in Portuguese", plain, "Sim.\n\nEm seg., 23 de nov. de 2026 às 09:15, Ann <ann@x.com> escreveu:\n> Não?", "Sim."},
		{"A29 in Polish", plain, "Tak.\n\npon., 23 lis 2026 o 09:15 Ann <ann@x.com> napisał(a):\n> Nie?", "Tak."},
		{"A29 in Swedish", plain, "Ja.\n\nDen mån 23 nov. 2026 kl 09:15 skrev Ann <ann@x.com>:\n> Nej?", "Ja."},
		{"A29 in Russian", plain, "Да.\n\nпн, 23 нояб. 2026 г. в 09:15, Ann <ann@x.com> написал:\n> Нет?", "Да."},
		{"A29 Outlook's line", plain, "Yes.\n\n-----Original Message-----\nFrom: Ann\nNo?", "Yes."},
		{"A29 Outlook's line in German", plain, "Ja.\n\n-----Ursprüngliche Nachricht-----\nVon: Ann\nNein?", "Ja."},
		{"A29 Outlook's header", plain, "Yes.\n\n________________________________\nFrom: Ann <ann@x.com>\nSent: Monday, November 23, 2026 9:15 AM\nTo: Bob\nSubject: Q\n\nNo?", "Yes. ________________________________"},
		{"A29 Outlook's header in French", plain, "Oui.\n\nDe : Ann <ann@x.com>\nEnvoyé : lundi 23 novembre 2026 09:15\nÀ : Bob\nObjet : Q\n\nNon ?", "Oui."},
		{"A29 forwarded", plain, "See below.\n\n---------- Forwarded message ---------\nFrom: Ann\nNo?", "See below."},
		{"A29 history alone", plain, "> No?\n", ""},
		{"a person who writes of who wrote", plain, "As Ann wrote:\nall is well.", "As Ann wrote: all is well."},
		{"a date at the start of a line", plain, "On Monday we meet, as planned on 23 November:\nat nine.", "On Monday we meet, as planned on 23 November: at nine."},
		{"a line that begins with From", plain, "From: here to there\nit is far.", "From: here to there it is far."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := message.Snippet(tt.part, []byte(tt.in)); got != tt.want {
				t.Errorf("Snippet(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}
