package duplicates

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Words that are no part of a name.
var (
	titles = words(`dr prof mr mrs ms miss sir herr frau hr dhr mevr mevrouw mme mlle madame monsieur sig sra
		ing ir dipl mag lic phd md mba msc bsc jr sr ii iii`)
	legalForms = words(`ltd limited inc incorporated llc llp lp plc corp corporation co company gmbh ggmbh ag kg kgaa ug ohg gbr ev se
		sa sas sarl sasu srl spa sprl bv nv bvba cvba vof vzw asbl snc sl slu lda ltda oy oyj ab as aps asa kft zrt bt sro
		doo ad pty pte pvt sdn bhd kk zoo spzoo`)
)

func words(list string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// foldName is the form in which names of persons are compared: their words,
// without case, accents and titles, in alphabetical order.
func foldName(name string) string { return join(without(split(name), titles)) }

// foldCompany is that of companies: without the legal form, and "B.V." is "bv".
func foldCompany(name string) string {
	parts := split(name)
	spelled := parts[:0]
	wasLetter := false
	for _, w := range parts {
		isLetter := len(w) == 1
		if isLetter && wasLetter {
			spelled[len(spelled)-1] += w
		} else {
			spelled = append(spelled, w)
		}
		wasLetter = isLetter
	}
	return join(without(spelled, legalForms))
}

func join(words []string) string {
	slices.Sort(words)
	return strings.Join(words, " ")
}

// without takes words out, unless there is nothing else.
func without(all []string, noise map[string]bool) []string {
	if kept := slices.DeleteFunc(slices.Clone(all), func(w string) bool { return noise[w] }); len(kept) > 0 {
		return kept
	}
	return all
}

// split folds a name and takes it apart at whatever is neither a letter nor a digit.
// An apostrophe parts nothing.
func split(name string) []string {
	return strings.FieldsFunc(fold(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// letters are those that no accent tells apart from their like.
var letters = strings.NewReplacer("ß", "ss", "ø", "o", "æ", "ae", "œ", "oe", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "'", "", "’", "")

// fold takes case and accents away.
func fold(text string) string {
	text = strings.ToLower(text)
	if isASCII(text) {
		return strings.ReplaceAll(text, "'", "")
	}
	return letters.Replace(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(text)))
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// sound is what a word sounds like, roughly: its first letter, and the
// consonants after it, the like as one. What is not Latin stays as it is.
func sound(word string) string {
	if !isASCII(word) {
		return word
	}
	var b [32]byte
	n := 0
	for i := 0; i < len(word) && n < len(b); i++ {
		c := word[i]
		switch {
		case c == 'p' && i+1 < len(word) && word[i+1] == 'h':
			c = 'f'
		case c == 'c' || c == 'q':
			c = 'k'
		case c == 'z':
			c = 's'
		case c == 'v' || c == 'w' && i == 0:
			c = 'f'
		}
		if i > 0 && strings.IndexByte("aeiouyhw", c) >= 0 || n > 0 && b[n-1] == c {
			continue
		}
		b[n] = c
		n++
	}
	return string(b[:n])
}

// parts are the words of a folded name. More of them are not looked at.
type parts struct {
	word [8]string
	n    int
}

func partsOf(folded string) (p parts) {
	for folded != "" && p.n < len(p.word) {
		p.word[p.n], folded, _ = strings.Cut(folded, " ")
		p.n++
	}
	return p
}

const (
	leastAlike = 0.88 // words less alike are different ones: Jan is not Jon, Marc is Mark
	initial    = 0.9  // for a word and its first letter
	extra      = 0.05 // for a word that one name has and the other has not
)

// alike tells how alike two folded names are, 0 to 1. Each word of the shorter
// is the like of one of the longer.
func alike(a, b string) float32 {
	if a == b && a != "" {
		return 1
	}
	x, y := partsOf(a), partsOf(b)
	if x.n > y.n {
		x, y = y, x
	}
	if x.n == 0 {
		return 0
	}
	var sum float32
	whole := false // a whole word is alike
	var taken [len(y.word)]bool
	for _, letters := range []bool{false, true} { // what is written out first: it leaves less choice
		for i := range x.n {
			if (len(x.word[i]) == 1) != letters {
				continue
			}
			best, at := float32(0), -1
			for j := range y.n {
				if s := wordsAlike(x.word[i], y.word[j]); !taken[j] && s > best {
					best, at = s, j
				}
			}
			if at >= 0 {
				taken[at] = true
				sum += best
				whole = whole || !letters && len(y.word[at]) > 1
			}
		}
	}
	if !whole {
		return 0
	}
	return max(0, sum/float32(x.n)-extra*float32(y.n-x.n))
}

func wordsAlike(a, b string) float32 {
	switch {
	case a == b:
		return 1
	case len(a) == 1 || len(b) == 1:
		if a[0] == b[0] {
			return initial
		}
		return 0
	}
	if s := jaroWinkler(a, b); s >= leastAlike {
		return s
	}
	return 0
}

// jaroWinkler is how alike two words are: how many letters they have in common, at about
// the same place and in the same order, and more so at their beginning (W. E.
// Winkler, String Comparator Metrics and Enhanced Decision Rules, 1990).
func jaroWinkler(a, b string) float32 {
	if isASCII(a) && isASCII(b) {
		return jaroWinklerOf([]byte(a), []byte(b))
	}
	return jaroWinklerOf([]rune(a), []rune(b))
}

func jaroWinklerOf[T byte | rune](a, b []T) float32 {
	const longest = 64
	a, b = a[:min(len(a), longest)], b[:min(len(b), longest)]
	reach := max(0, max(len(a), len(b))/2-1)
	var inA, inB [longest]bool
	common := 0
	for i, r := range a {
		for j := max(0, i-reach); j < min(len(b), i+reach+1); j++ {
			if !inB[j] && b[j] == r {
				inA[i], inB[j] = true, true
				common++
				break
			}
		}
	}
	if common == 0 {
		return 0
	}
	swapped, j := 0, 0
	for i := range a {
		if !inA[i] {
			continue
		}
		for !inB[j] {
			j++
		}
		if a[i] != b[j] {
			swapped++
		}
		j++
	}
	m := float32(common)
	jaro := (m/float32(len(a)) + m/float32(len(b)) + (m-float32(swapped/2))/m) / 3
	prefix := 0
	for prefix < min(len(a), len(b), 4) && a[prefix] == b[prefix] {
		prefix++
	}
	return jaro + float32(prefix)*0.1*(1-jaro)
}
