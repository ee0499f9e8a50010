package duplicates_test

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"kith/duplicates"
)

func TestFoldName(t *testing.T) {
	for _, tt := range []struct{ why, name, want string }{
		{"nothing", "", ""},
		{"order and case", "DOE, Ann", "ann doe"},
		{"accents", "Zoë Müller-Ünal", "muller unal zoe"},
		{"letters beyond accents", "Søren Łukasz Straße", "lukasz soren strasse"},
		{"decomposed", "Zoe\u0308", "zoe"},
		{"titles", "Prof. Dr. Ann Doe, PhD", "ann doe"},
		{"titles alone", "Dr.", "dr"},
		{"initials", "A.B. Doe", "a b doe"},
		{"an apostrophe", "Pat O'Neill", "oneill pat"},
		{"another apostrophe", "Pat O’Neill", "oneill pat"},
		{"no letters", "+++", ""},
		{"another script", "山田 太郎", "太郎 山田"},
	} {
		if got := duplicates.FoldName(tt.name); got != tt.want {
			t.Errorf("%s: FoldName(%q) = %q, want %q", tt.why, tt.name, got, tt.want)
		}
	}
}

func TestFoldCompany(t *testing.T) {
	for _, tt := range []struct{ why, name, want string }{
		{"none", "Acme", "acme"},
		{"Ltd", "Acme Ltd.", "acme"},
		{"B.V.", "Acme B.V.", "acme"},
		{"S. A.", "S. A. Acme", "acme"},
		{"GmbH & Co. KG", "Acme GmbH & Co. KG", "acme"},
		{"a form alone", "SA", "sa"},
		{"letters that are a name", "A.B.C. NV", "abc"},
		{"order", "Hotel Zoë SPRL", "hotel zoe"},
	} {
		if got := duplicates.FoldCompany(tt.name); got != tt.want {
			t.Errorf("%s: FoldCompany(%q) = %q, want %q", tt.why, tt.name, got, tt.want)
		}
	}
}

// The first four are from Winkler's paper.
func TestJaroWinkler(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want float64
	}{
		{"martha", "marhta", 0.961},
		{"dwayne", "duane", 0.84},
		{"dixon", "dicksonx", 0.813},
		{"jones", "johnson", 0.832},
		{"ann", "ann", 1},
		{"ann", "bob", 0},
		{"日本語", "日本話", 0.822},
		{"x", "x", 1},
	} {
		for _, got := range []float32{duplicates.JaroWinkler(tt.a, tt.b), duplicates.JaroWinkler(tt.b, tt.a)} {
			if math.Abs(float64(got)-tt.want) > 0.001 {
				t.Errorf("JaroWinkler(%q, %q) = %.4f, want %.3f", tt.a, tt.b, got, tt.want)
			}
		}
	}
}

func TestAlike(t *testing.T) {
	for _, tt := range []struct {
		why, a, b   string
		least, most float32
	}{
		{"the same", "Ann Doe", "Doe, Ann", 1, 1},
		{"an initial", "Ann Doe", "A. Doe", 0.94, 0.96},
		{"initials alone", "Ann Doe", "A. D.", 0, 0},
		{"a second first name", "Ann Doe", "Ann Marie Doe", 0.94, 0.96},
		{"a slip of the pen", "Ann Doe", "Anne Doe", 0.95, 0.99},
		{"spelled otherwise", "Marc Janssen", "Mark Jansen", 0.9, 0.99},
		{"another first name, as short", "Jan Doe", "Jon Doe", 0.4, 0.6},
		{"another first name", "Ann Doe", "Bob Doe", 0.4, 0.6},
		{"another initial", "Ann Doe", "B. Doe", 0.4, 0.6},
		{"nothing in common", "Ann Doe", "Bob Roe", 0, 0},
		{"nothing at all", "", "", 0, 0},
	} {
		a, b := duplicates.FoldName(tt.a), duplicates.FoldName(tt.b)
		got, back := duplicates.Alike(a, b), duplicates.Alike(b, a)
		if got < tt.least || got > tt.most || got != back {
			t.Errorf("%s: Alike(%q, %q) = %.3f and %.3f, want %.2f to %.2f", tt.why, a, b, got, back, tt.least, tt.most)
		}
	}
}

func TestSound(t *testing.T) {
	for _, alike := range [][]string{{"ann", "anne", "anna"}, {"marc", "mark"}, {"jon", "john"}, {"sophie", "sofie"}, {"janssen", "jansen"}, {"erik", "eric"}} {
		for _, word := range alike[1:] {
			if a, b := duplicates.Sound(alike[0]), duplicates.Sound(word); a != b {
				t.Errorf("%s sounds like %s, %s like %s", alike[0], a, word, b)
			}
		}
	}
	if a, b := duplicates.Sound("ann"), duplicates.Sound("bob"); a == b {
		t.Errorf("ann and bob sound like %s", a)
	}
}

func FuzzAlike(f *testing.F) {
	f.Add("Ann Doe", "Doe, A.")
	f.Add("Zoë B.V.", "\xff\x00")
	f.Add("日本", "İß")
	f.Add(strings.Repeat("ab ", 50), strings.Repeat("é", 200))
	f.Fuzz(func(t *testing.T, x, y string) {
		for _, fold := range []func(string) string{duplicates.FoldName, duplicates.FoldCompany} {
			a, b := fold(x), fold(y)
			if again := fold(a); strings.Count(again, " ") > strings.Count(a, " ") || utf8.ValidString(x) && !utf8.ValidString(a) {
				t.Errorf("%q is folded into %q, and that into %q", x, a, again)
			}
			for _, s := range []float32{duplicates.Alike(a, b), duplicates.JaroWinkler(a, b)} {
				if !(s >= 0 && s <= 1) {
					t.Errorf("%q and %q are alike by %v", a, b, s)
				}
			}
			if s := duplicates.Alike(a, a); a != "" && s != 1 {
				t.Errorf("%q is like itself by %v", a, s)
			}
			duplicates.Sound(a)
		}
	})
}
