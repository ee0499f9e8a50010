package duplicates_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/duplicates"
)

// id is the n-th id.
func id(n int) kith.ID { return kith.ID{0: 1, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)} }

// person has a name, a company, and addresses.
func person(n int, name, company string, addresses ...string) kith.Contact {
	c := kith.Contact{ID: id(n), Type: kith.Person, Name: name, Company: company}
	for _, a := range addresses {
		if strings.Contains(a, "@") {
			c.Emails = append(c.Emails, a)
		} else {
			c.Phones = append(c.Phones, a)
		}
	}
	return c
}

func firm(n int, name string, addresses ...string) kith.Contact {
	c := person(n, name, "", addresses...)
	c.Type = kith.Company
	return c
}

func each(contacts ...kith.Contact) iter.Seq2[kith.Contact, error] {
	return func(yield func(kith.Contact, error) bool) {
		for _, c := range contacts {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func find(t testing.TB, o duplicates.Options, contacts ...kith.Contact) *duplicates.Found {
	t.Helper()
	f, err := duplicates.Find(t.Context(), each(contacts...), o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// told are the pairs in words: certain ones with "=".
func told(f *duplicates.Found) []string {
	var all []string
	for p := range f.Pairs() {
		sign := "~"
		if p.Certain {
			sign = "="
		}
		all = append(all, fmt.Sprintf("%d%s%d %s", p.A.ID[15], sign, p.B.ID[15], p.Why))
	}
	return all
}

var usual = duplicates.Options{Likely: 0.85}

func TestFind(t *testing.T) {
	for _, tt := range []struct {
		why      string
		contacts []kith.Contact
		want     []string
	}{
		{"nobody", nil, nil},
		{"strangers", []kith.Contact{person(1, "Ann Doe", "Acme", "ann@x.test"), person(2, "Bob Roe", "Acme", "bob@x.test")}, nil},
		{"an address", []kith.Contact{person(2, "Ann", "", "ann@x.test"), person(1, "Bob", "", "bob@x.test", "ann@x.test")}, []string{"1=2 both have ann@x.test"}},
		{"a phone number", []kith.Contact{person(1, "Ann", "", "+321"), person(2, "Bob", "", "+321")}, []string{"1=2 both have +321"}},
		{"several addresses: one pair", []kith.Contact{person(1, "Ann Doe", "Acme", "a@x.test", "b@x.test"), person(2, "Ann Doe", "Acme", "b@x.test", "a@x.test")},
			[]string{"1=2 both have a@x.test"}},
		{"one with an address twice", []kith.Contact{person(1, "Ann", "", "a@x.test", "a@x.test")}, nil},
		{"a person and a company", []kith.Contact{person(1, "Acme", "", "info@x.test"), firm(2, "Acme", "info@x.test")}, nil},
		{"companies", []kith.Contact{firm(1, "Acme Ltd", "info@x.test"), firm(2, "Umbrella", "info@x.test")}, []string{"1=2 both have info@x.test"}},

		{"the same name and company", []kith.Contact{person(1, "Ann Doe", "Acme"), person(2, "DOE, Ann", "Acme")}, []string{"1~2 same name, same company"}},
		{"accents, a title, a legal form", []kith.Contact{person(1, "Zoë Ünal", "Acme Ltd"), person(2, "Dr. Zoe Unal", "ACME B.V.")}, []string{"1~2 same name, same company"}},
		{"an initial", []kith.Contact{person(1, "Ann Doe", "Acme"), person(2, "A. Doe", "Acme")}, []string{"1~2 names alike, same company"}},
		{"a slip of the pen", []kith.Contact{person(1, "Ann Doubtful", "Acme"), person(2, "Ann Duobtfull", "Acme")}, []string{"1~2 names alike, same company"}},
		{"slips in both words", []kith.Contact{person(1, "Kristina Doubtful", "Acme"), person(2, "Kirstina Duobtful", "Acme")}, []string{"1~2 names alike, same company"}},
		{"companies spelled otherwise", []kith.Contact{person(1, "Ann Doe", "Data Works"), person(2, "Ann Doe", "Dataworks Inc.")}, []string{"1~2 same name, same company"}},
		{"companies with a slip", []kith.Contact{person(1, "Ann Doe", "Dataworks"), person(2, "Ann Doe", "Datawork Inc.")}, []string{"1~2 same name, companies alike"}},
		{"a company that is not known", []kith.Contact{person(1, "Ann Doe", "Acme"), person(2, "Ann Doe", "")}, []string{"1~2 same name, company not known"}},
		{"no name in full, no company", []kith.Contact{person(1, "Ann", ""), person(2, "Ann", "")}, nil},
		{"another company", []kith.Contact{person(1, "Ann Doe", "Acme"), person(2, "Ann Doe", "Umbrella")}, nil},
		{"a brother", []kith.Contact{person(1, "Jan Doe", "Acme"), person(2, "Jon Doe", "Acme")}, nil},
		{"first and last name alone", []kith.Contact{{ID: id(1), Type: kith.Person, FirstName: "Ann", LastName: "Doe"}, person(2, "Ann Doe", "")},
			[]string{"1~2 same name, company not known"}},
		{"companies by name", []kith.Contact{firm(1, "Acme Trading Ltd"), firm(2, "ACME TRADING GmbH"), firm(3, "Acme Shipping")}, []string{"1~2 same name"}},
		{"companies in one word or two", []kith.Contact{firm(1, "Dataworks"), firm(2, "Data Works NV")}, []string{"1~2 names alike"}},
		{"without a name", []kith.Contact{person(1, "", "Acme"), person(2, "", "Acme"), firm(3, "+"), firm(4, "-")}, nil},
	} {
		slices.Reverse(tt.contacts)
		if diff := cmp.Diff(tt.want, told(find(t, usual, tt.contacts...))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.why, diff)
		}
	}
}

func TestOrder(t *testing.T) {
	contacts := []kith.Contact{
		person(1, "Ann Doe", "Acme"), person(2, "Ann Doe", "Acme"), person(3, "A. Doe", "Acme"), person(4, "Carl Roe", "", "c@x.test"), person(5, "Dora Poe", "", "c@x.test"),
	}
	want := []string{"4=5 both have c@x.test", "1~2 same name, same company", "1~3 names alike, same company", "2~3 names alike, same company"}
	for n := range 20 {
		r := rand.New(rand.NewPCG(1, uint64(n)))
		r.Shuffle(len(contacts), func(i, j int) { contacts[i], contacts[j] = contacts[j], contacts[i] })
		if diff := cmp.Diff(want, told(find(t, usual, contacts...))); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	f := find(t, usual, contacts...)
	last := 2.0
	for p := range f.Pairs() {
		if p.Score > last || p.Score <= 0 || p.Certain != (p.Score == 1) || p.A.Name == "" {
			t.Errorf("after %v comes %+v", last, p)
		}
		last = p.Score
	}
	if f.Len() != len(want) {
		t.Errorf("Len = %d", f.Len())
	}
	for range f.Pairs() {
		break
	}
}

func TestOptions(t *testing.T) {
	contacts := []kith.Contact{person(1, "Ann Doe", "Acme", "a@x.test"), person(2, "Ann Doe", "Acme", "a@x.test"), person(3, "Ann Doe", "Umbrella"), person(4, "A. Doe", "Acme")}
	for _, tt := range []struct {
		why     string
		options duplicates.Options
		want    []string
	}{
		{"certain alone", duplicates.Options{Likely: 2}, []string{"1=2 both have a@x.test"}},
		{"the usual", usual, []string{"1=2 both have a@x.test", "1~4 names alike, same company", "2~4 names alike, same company"}},
		{"in other companies too", duplicates.Options{Likely: 0.65}, []string{"1=2 both have a@x.test", "1~4 names alike, same company", "2~4 names alike, same company",
			"1~3 same name, other company", "2~3 same name, other company"}},
		{"known not to be one", duplicates.Options{Likely: 0.85, Distinct: [][2]kith.ID{{id(2), id(1)}, {id(1), id(4)}}}, []string{"2~4 names alike, same company"}},
	} {
		if diff := cmp.Diff(tt.want, told(find(t, tt.options, contacts...))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.why, diff)
		}
	}
}

func TestCrowds(t *testing.T) {
	var contacts []kith.Contact
	for n := range 200 {
		contacts = append(contacts, person(n, "Info", "Acme", "info@x.test"))
	}
	f := find(t, duplicates.Options{Likely: 2}, contacts...)
	if diff := cmp.Diff([]duplicates.Crowd{{Address: "info@x.test", Contacts: 200}}, f.Crowds); diff != "" {
		t.Errorf("crowds (-want +got):\n%s", diff)
	}
	if f.Len() != 199 {
		t.Errorf("%d certain pairs, want each with the oldest", f.Len())
	}
	for i := range contacts {
		contacts[i].Emails = nil
	}
	if n := find(t, usual, contacts...).Len(); n == 0 || n > 200*20 {
		t.Errorf("%d pairs of 200 namesakes", n)
	}
	if f := find(t, usual, contacts[:duplicates.Most]...); f.Len() != duplicates.Most*(duplicates.Most-1)/2 || f.Crowds != nil {
		t.Errorf("%d pairs of a few namesakes", f.Len())
	}
}

func TestErrors(t *testing.T) {
	broken := errors.New("broken")
	_, err := duplicates.Find(t.Context(), func(yield func(kith.Contact, error) bool) { yield(kith.Contact{}, broken) }, usual)
	if !errors.Is(err, broken) {
		t.Errorf("Find: %v", err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := duplicates.Find(done, each(person(1, "Ann Doe", "Acme"), person(2, "Ann Doe", "Acme")), usual); !errors.Is(err, context.Canceled) {
		t.Errorf("Find: %v", err)
	}
}

// register makes n contacts, one in twenty a company, with 1.3 addresses each.
// One in fifty is there twice, spelled a little otherwise.
func register(n int) iter.Seq2[kith.Contact, error] {
	r := rand.New(rand.NewPCG(1, 2))
	syllables := strings.Fields("ba be bo da de di do fa fe ga go ha he jo ka ki ko la le li lo ma me mi mo na ne ni no pa pe ra re ri ro sa se si so ta te ti to va ve vi")
	// As with people, few names are many's.
	word := func(many int) string {
		k := int(float64(many) * r.Float64() * r.Float64())
		w := ""
		for k = k + 7; k > 0; k /= len(syllables) {
			w += syllables[k%len(syllables)]
		}
		return w + "n"
	}
	return func(yield func(kith.Contact, error) bool) {
		var last kith.Contact
		for i := range n {
			c := kith.Contact{ID: kith.NewID(time.Unix(int64(i), 0)), Type: kith.Person}
			switch {
			case i%50 == 1 && last.Type == kith.Person:
				c.Name, c.Company = last.Name[:1]+". "+last.Name[strings.Index(last.Name, " ")+1:], last.Company
			case i%20 == 0:
				c.Type, c.Name = kith.Company, word(1e6)+" "+word(1e4)+" Ltd"
			default:
				c.Name = word(5000) + " " + word(100_000)
				if i%3 > 0 {
					c.Company = fmt.Sprintf("%s %d Ltd", syllables[r.IntN(len(syllables))], int(50_000*r.Float64()*r.Float64()))
				}
			}
			c.Emails = []string{fmt.Sprintf("p%d@client%d.test", i, i%1000)}
			if i%100 == 3 {
				c.Emails[0] = fmt.Sprintf("p%d@client%d.test", i-1, (i-1)%1000)
			}
			if i%10 < 3 {
				c.Phones = []string{fmt.Sprintf("+32%08d", i)}
			}
			last = c
			if !yield(c, nil) {
				return
			}
		}
	}
}

// BenchmarkFind looks among a million contacts with 1.3 million addresses. peak-MiB is
// what the process took of the system.
func BenchmarkFind(b *testing.B) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	debug.SetGCPercent(50) // as the program does
	for b.Loop() {
		f, err := duplicates.Find(b.Context(), register(n), usual)
		if err != nil {
			b.Fatal(err)
		}
		certain := 0
		for p := range f.Pairs() {
			if p.Certain {
				certain++
			}
		}
		b.ReportMetric(float64(certain), "certain")
		b.ReportMetric(float64(f.Len()-certain), "likely")
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "peak-MiB")
}
