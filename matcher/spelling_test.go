package matcher_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith/matcher"
)

func TestSpellings(t *testing.T) {
	for _, tt := range []struct {
		name    string
		policy  matcher.Policy
		address string
		want    []string // nil: no pattern covers them
	}{
		{"as it is", matcher.Policy{}, "ann@client.test", []string{"ann@client.test"}},
		{"with a tag", matcher.Policy{PlusAddressing: true}, "ann@client.test", []string{"ann@client.test", "ann+*@client.test"}},
		{"the contact's has a tag of its own", matcher.Policy{PlusAddressing: true}, "ann+bo@client.test", []string{"ann+bo@client.test"}},
		{"dots of Gmail", matcher.Policy{GmailDots: true}, "anndoe@gmail.com", nil},
		{"the contact's has dots: only as written", matcher.Policy{GmailDots: true}, "ann.doe@gmail.com", []string{"ann.doe@gmail.com"}},
		{"dots elsewhere", matcher.Policy{GmailDots: true}, "anndoe@client.test", []string{"anndoe@client.test"}},
		{"everybody in the domain", matcher.Policy{CompanyByDomain: true}, "ann@client.test", []string{"ann@client.test", "*@*client.test"}},
		{"a domain that everybody has", matcher.Policy{CompanyByDomain: true}, "ann@gmail.com", []string{"ann@gmail.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := matcher.New(nil, matcher.Identities{}, tt.policy).Spellings(tt.address)
			if diff := cmp.Diff(tt.want, got); diff != "" || ok != (tt.want != nil) {
				t.Errorf("Spellings = %v, %v (-want +got):\n%s", got, ok, diff)
			}
		})
	}
}
