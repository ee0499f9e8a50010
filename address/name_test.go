package address_test

import (
	"testing"
	"unicode/utf8"

	"kith/address"
)

func TestG08PersonName(t *testing.T) {
	for _, tt := range []struct{ name, display, want string }{
		{"as it is", "John Doe", "John Doe"},
		{"a surname in capitals and a remark", "DOE John (EXT)", "John Doe"},
		{"capitals behind", "John DOE-SMITH", "John Doe-Smith"},
		{"all in capitals", "JOHN DOE", "JOHN DOE"},
		{"initials are no shouting", "J. R. R. Tolkien", "J. R. R. Tolkien"},
		{"a comma", "Doe, John", "John Doe"},
		{"a comma and a remark", "Doe, John [Sales]", "John Doe"},
		{"a list of three is no name turned round", "Doe, Roe, Partners", "Doe, Roe, Partners"},
		{"in quotes", `"John Doe"`, "John Doe"},
		{"in quotes twice", `"'John Doe'"`, "John Doe"},
		{"an address in quotes", "'j@x.com'", ""},
		{"an address", "j@x.com", ""},
		{"an address in brackets", "<j@x.com>", ""},
		{"a name and its address", "John (j@x.com)", "John"},
		{"Chinese", "王小明", "王小明"},
		{"Japanese", "山田 太郎", "山田 太郎"},
		{"Cyrillic", "ПЕТРОВ Иван", "Иван Петров"},
		{"one word", "Madonna", "Madonna"},
		{"one word in capitals", "IKEA", "IKEA"},
		{"blanks", "  John \t  Doe ", "John Doe"},
		{"only a remark", "(EXT)", "(EXT)"},
		{"a number", "4711", ""},
		{"nothing", "", ""},
		{"an apostrophe within", "Conan O'Brien", "Conan O'Brien"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := address.PersonName(tt.display); got != tt.want {
				t.Errorf("PersonName(%q) = %q, want %q", tt.display, got, tt.want)
			}
		})
	}
}

func FuzzPersonName(f *testing.F) {
	for _, seed := range []string{"DOE John (EXT)", "Doe, John", `"'j@x.com'"`, "((", "[)", "<>", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, display string) {
		name := address.PersonName(display)
		if !utf8.ValidString(display) {
			return // callers give text
		}
		if !utf8.ValidString(name) {
			t.Errorf("PersonName(%q) = %q", display, name)
		}
		if again := address.PersonName(name); address.PersonName(again) != again {
			t.Errorf("of %q comes %q, of that %q, of that %q", display, name, again, address.PersonName(again))
		}
		if len(name) > 2*len(display) {
			t.Errorf("PersonName(%q) = %q", display, name)
		}
	})
}
