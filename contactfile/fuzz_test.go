package contactfile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"kith/contactfile"
)

func FuzzReadCSV(f *testing.F) {
	for _, seed := range []string{
		"name,email\nAnn,ann@x.test\n",
		"\ufeffname;email;phone;tags\r\n\"Ann \"\"A\"\" Doe\";\"ann@x.test; a2@x.test\";+32 2 555 12 34;\"a\\;b;c\"\r\n",
		"sep=\t\nfirst_name\tlast_name\temail\n小明\t王\t<w@x.test>\n",
		"name,email,title\n\"Ann,ann@x.test,\nBob,bob@x.test,\n\"Cy\",c@x.test,\n",
		"name,email\nJos\xe9,\"'J@X.test'\"\n'=1+1,-a@x.test\n",
		"\xff\xfen\x00a\x00m\x00e\x00\n\x00A\x00\n\x00",
		"type,name,company,never_record,language\ncompany,Acme,Acme,yes,nl_be\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		sound(t, contactfile.ReadCSV(bytes.NewReader(file), contactfile.Options{Notes: true}), countLines(file))
	})
}

func FuzzReadVCards(f *testing.F) {
	for _, seed := range []string{
		"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ann Doe\r\nN:Doe;Ann\\,a,b;;;\r\nEMAIL:ann@x.test\r\nTEL;VALUE=uri:tel:+32;ext=1\r\nEND:VCARD\r\n",
		"BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=ISO-8859-2;ENCODING=QUOTED-PRINTABLE:Kov=E1=\ncs;Gy;;;\nORG:Acme\nAGENT:\nBEGIN:VCARD\nEND:VCARD\nEND:VCARD\n",
		"BEGIN:VCARD\nKIND:org\nFN:Acme\nORG:Acme\nCATEGORIES:a\\,b,c\nX-KITH-NEVER-RECORD:yes\nLANG;PREF=1:nl-be\nUID:a\\:b\n \tc\nBEGIN:VCARD\nEMAIL:<a@x.test>",
	} {
		f.Add([]byte(seed))
	}
	if files, err := filepath.Glob(filepath.Join("..", "..", "shared", "corpora", "ez-vcard", "src", "test", "resources", "ezvcard", "io", "text", "*.vcf")); err == nil {
		for _, name := range files {
			if b, err := os.ReadFile(name); err == nil && len(b) < 8<<10 {
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		sound(t, contactfile.ReadVCards(bytes.NewReader(file)), countLines(file))
	})
}
