package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"kith"
	"kith/store"
)

var putTests = []test{
	{"PutContacts/importing the same again changes nothing", func(t *testing.T, f *fixture) {
		rows := func() []kith.Contact {
			return []kith.Contact{
				{Source: "csv", ExternalID: "1", Name: "Ann", Company: "Acme", Emails: []string{"ann@client.test", "ann@client.test"}, Tags: []string{"a"}},
				{Source: "csv", Name: "Bob", Emails: []string{"bob@client.test"}, Company: "C9"},
				{Source: "csv", Name: "Carl", Phones: []string{"+321"}, Company: "acme"},
				{Source: "csv", Type: kith.Company, ExternalID: "C9", Name: "Globex"},
				{Source: "csv", Type: kith.Company, Name: "Initech"},
				{Source: "csv", Name: "Dora", Emails: []string{"dora@client.test"}, Company: "C9"},
			}
		}
		first, second := rows(), rows()
		changes, err := f.PutContacts(t.Context(), first, t0, false)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "first", changes, []kith.ContactChange{
			kith.ContactCreated, kith.ContactCreated, kith.ContactCreated,
			kith.ContactUpdated, // Bob made it
			kith.ContactCreated, kith.ContactCreated,
		})
		version, err := f.ContactsVersion(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		changes, err = f.PutContacts(t.Context(), second, t0.Add(time.Hour), false)
		if err != nil {
			t.Fatal(err)
		}
		for i, change := range changes {
			if change != kith.ContactUnchanged || second[i].ID != first[i].ID {
				t.Errorf("row %d the second time: %s, id %v and %v", i, change, first[i].ID, second[i].ID)
			}
			if got := mustContact(t, f, first[i].ID); !got.UpdatedAt.Equal(t0) {
				t.Errorf("row %d was touched", i)
			}
		}
		if v, err := f.ContactsVersion(t.Context()); err != nil || v != version {
			t.Errorf("version %d became %d, %v", version, v, err)
		}
		persons, companies, err := f.CountContacts(t.Context())
		if err != nil || persons != 4 || companies != 3 {
			t.Errorf("%d persons and %d companies, %v; want 4 and 3", persons, companies, err)
		}
		for i, want := range map[int]string{0: "Acme", 1: "Globex", 2: "Acme", 5: "Globex"} {
			if got := mustContact(t, f, first[i].ID).Company; got != want {
				t.Errorf("row %d belongs to %q, want %q", i, got, want)
			}
		}
		equal(t, "addresses", mustContact(t, f, first[0].ID).Emails, []string{"ann@client.test"})
	}},
	{"PutContacts/which contact is meant", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Source: "csv", ExternalID: "1", Name: "Ann", Emails: []string{"ann@client.test", "family@client.test"}, Phones: []string{"+321"}})
		bob := f.contact(t, kith.Contact{Source: "csv", ExternalID: "2", Name: "Bob", Emails: []string{"family@client.test"}, Phones: []string{"+322"}})
		acme := f.contact(t, kith.Contact{Type: kith.Company, Source: "csv", Name: "Acme", Emails: []string{"info@client.test"}})
		globex := f.contact(t, kith.Contact{Type: kith.Company, Source: "csv", ExternalID: "C1", Name: "Globex"})
		for _, tt := range []struct {
			why  string
			in   kith.Contact
			want kith.ID // zero: none of them
		}{
			{"by id, whatever else it says", kith.Contact{ID: ann, Emails: []string{"family@client.test"}, Phones: []string{"+322"}}, ann},
			{"by external id, whatever its address", kith.Contact{Source: "csv", ExternalID: "2", Emails: []string{"ann@client.test"}}, bob},
			{"the external id of another source", kith.Contact{Source: "crm", ExternalID: "2", Name: "x", Emails: []string{"bob@client.test"}}, kith.ID{}},
			{"a new external id, a known address", kith.Contact{Source: "csv", ExternalID: "3", Emails: []string{"ann@client.test"}}, kith.ID{}},
			{"by an address that is not its first", kith.Contact{Emails: []string{"new@client.test", "ann@client.test"}}, ann},
			{"by a shared address and its name", kith.Contact{Name: "BOB", Emails: []string{"family@client.test"}}, bob},
			{"by a shared address alone: the oldest", kith.Contact{Emails: []string{"family@client.test"}}, ann},
			{"by phone, without an address", kith.Contact{Phones: []string{"+329", "+322"}}, bob},
			{"by phone, with an address that is new", kith.Contact{Emails: []string{"x@client.test"}, Phones: []string{"+322"}}, kith.ID{}},
			{"by name alone", kith.Contact{Name: "Ann"}, kith.ID{}},
			{"a company by name", kith.Contact{Type: kith.Company, Name: "ACME"}, acme},
			{"a company by address", kith.Contact{Type: kith.Company, Name: "Acme Ltd", Emails: []string{"info@client.test"}}, acme},
			{"a person with a company's address", kith.Contact{Name: "Info", Emails: []string{"info@client.test"}}, kith.ID{}},
			{"a company without an external id gets one, by name", kith.Contact{Type: kith.Company, Source: "csv", ExternalID: "C2", Name: "acme"}, acme},
			{"the same, made by that external id as its name", kith.Contact{Type: kith.Company, Source: "csv", ExternalID: "ACME", Name: "Acme Ltd"}, acme},
			{"a company with another external id", kith.Contact{Type: kith.Company, Source: "csv", ExternalID: "C2", Name: "Globex"}, kith.ID{}},
			{"a company with an external id, by name alone", kith.Contact{Type: kith.Company, Name: "globex"}, globex},
		} {
			in := []kith.Contact{tt.in}
			changes, err := f.PutContacts(t.Context(), in, t0, true)
			if err != nil {
				t.Fatalf("%s: %v", tt.why, err)
			}
			if tt.want.IsZero() {
				if changes[0] != kith.ContactCreated {
					t.Errorf("%s: %s", tt.why, changes[0])
				}
			} else if in[0].ID != tt.want {
				t.Errorf("%s: contact %v was meant, not %v", tt.why, tt.want, in[0].ID)
			}
		}
	}},
	{"PutContacts/what is merged and what is kept", func(t *testing.T, f *fixture) {
		id := f.contact(t, kith.Contact{
			Source: "csv", ExternalID: "1", Name: "Ann", FirstName: "Ann", Company: "Acme", Emails: []string{"ann@client.test"}, Phones: []string{"+321"},
			Title: "CTO", Language: "de", Owner: "alice@example.test", Tags: []string{"a", "b"}, NeverRecord: true, Notes: map[string]string{"x": "1", "y": "2"},
		})
		later := t0.Add(time.Hour)
		in := []kith.Contact{{
			Source: "csv", ExternalID: "1", Emails: []string{"ann@home.test", "ann@client.test"}, Phones: []string{"+322"}, Title: "CEO", LastName: "Doe",
			Tags: []string{"c", "a"}, Archived: true, Notes: map[string]string{"x": "3", "z": "4"},
		}}
		changes, err := f.PutContacts(t.Context(), in, later, false)
		if err != nil || changes[0] != kith.ContactUpdated {
			t.Fatal(changes, err)
		}
		got := mustContact(t, f, id)
		equal(t, "Contact", got, kith.Contact{
			ID: id, Type: kith.Person, Source: "csv", ExternalID: "1", Name: "Ann", FirstName: "Ann", LastName: "Doe", Company: "Acme", CompanyID: got.CompanyID,
			Emails: []string{"ann@client.test", "ann@home.test"}, Phones: []string{"+321", "+322"},
			Title: "CEO", Language: "de", Owner: "alice@example.test", Tags: []string{"a", "b", "c"}, NeverRecord: true, Archived: true,
			Notes: map[string]string{"x": "3", "y": "2", "z": "4"}, CreatedAt: t0, UpdatedAt: later,
		})
		// A later row of the same batch finds what an earlier one brought.
		rows := []kith.Contact{
			{Source: "csv", ExternalID: "1", Emails: []string{"third@client.test"}},
			{Emails: []string{"third@client.test"}, Phones: []string{"+323"}},
			{Name: "New", Emails: []string{"new@client.test"}},
			{Emails: []string{"new@client.test"}, Title: "Boss"},
		}
		changes, err = f.PutContacts(t.Context(), rows, later, false)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "changes", changes, []kith.ContactChange{kith.ContactUpdated, kith.ContactUpdated, kith.ContactCreated, kith.ContactUpdated})
		if rows[1].ID != id || rows[3].ID != rows[2].ID || mustContact(t, f, rows[2].ID).Title != "Boss" {
			t.Errorf("ids %v, %v, %v, %v", rows[0].ID, rows[1].ID, rows[2].ID, rows[3].ID)
		}
	}},
	{"PutContacts/a row that can't be written: its index, and nothing is written", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann")
		f.person(t, "Bob")
		acme := f.contact(t, kith.Contact{Type: kith.Company, Name: "Acme"})
		nobody := kith.NewID(t0)
		for _, tt := range []struct {
			why  string
			bad  kith.Contact
			want error
		}{
			{"an unknown id", kith.Contact{ID: nobody, Name: "x"}, kith.ErrNotFound},
			{"an unknown company", kith.Contact{Name: "x", CompanyID: &nobody}, kith.ErrNotFound},
			{"a person as company", kith.Contact{Name: "x", CompanyID: &ann}, kith.ErrNotFound},
			{"the external id of another", kith.Contact{ID: ann, Source: "csv", ExternalID: "Bob"}, kith.ErrConflict},
			{"another type", kith.Contact{ID: acme, Type: kith.Person}, kith.ErrConflict},
			{"a type that there is not", kith.Contact{Type: "robot", Name: "x"}, nil},
			{"nothing to know it by", kith.Contact{Title: "CEO"}, nil},
			{"a company of a company", kith.Contact{Type: kith.Company, Name: "x", Company: "Acme"}, nil},
		} {
			rows := []kith.Contact{{Name: "Good", Emails: []string{"good@client.test"}}, tt.bad}
			_, err := f.PutContacts(t.Context(), rows, t0, false)
			var row *store.RowError
			if !errors.As(err, &row) || row.Row != 1 {
				t.Errorf("%s: %v, want the error of row 1", tt.why, err)
			}
			if tt.want != nil {
				fails(t, tt.why, err, tt.want)
			}
		}
		if persons, companies, err := f.CountContacts(t.Context()); err != nil || persons != 2 || companies != 1 {
			t.Errorf("there are %d persons and %d companies, %v", persons, companies, err)
		}
	}},
	{"I24 a dry run tells what it would do", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann", "ann@client.test")
		rows := []kith.Contact{
			{Name: "New", Company: "Acme"}, {Emails: []string{"ann@client.test"}, Title: "CEO"}, {Emails: []string{"ann@client.test"}},
		}
		changes, err := f.PutContacts(t.Context(), rows, t0, true)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "changes", changes, []kith.ContactChange{kith.ContactCreated, kith.ContactUpdated, kith.ContactUnchanged})
		if !rows[0].ID.IsZero() || rows[1].ID != ann {
			t.Errorf("ids %v, %v", rows[0].ID, rows[1].ID)
		}
		if persons, companies, err := f.CountContacts(t.Context()); err != nil || persons != 1 || companies != 0 {
			t.Errorf("there are %d persons and %d companies, %v", persons, companies, err)
		}
		if got := mustContact(t, f, ann); got.Title != "" {
			t.Errorf("title %q was written", got.Title)
		}
		_, err = f.PutContacts(done(t), rows[:1], t0, false)
		fails(t, "PutContacts", err, context.Canceled)
	}},
}
