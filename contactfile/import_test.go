package contactfile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/contactfile"
	"kith/store"
)

// register is a store of contacts as far as an import sees one: it refuses a
// batch with a contact that is named bad, and keeps all others.
type register struct {
	names []string
	calls int
	dry   bool
}

func (r *register) put(_ context.Context, contacts []kith.Contact, dryRun bool) ([]kith.ContactChange, error) {
	r.calls++
	r.dry = dryRun
	for i, c := range contacts {
		if !c.ID.IsZero() {
			return nil, fmt.Errorf("%s comes with an id", c.Name)
		}
		contacts[i].ID = kith.NewID(time.Now())
		if strings.HasPrefix(c.Name, "bad") {
			return nil, fmt.Errorf("put contacts: %w", &store.RowError{Row: i, Err: errors.New("company: it is a person")})
		}
	}
	var changes []kith.ContactChange
	for _, c := range contacts {
		r.names = append(r.names, c.Name)
		changes = append(changes, []kith.ContactChange{kith.ContactCreated, kith.ContactUpdated, kith.ContactUnchanged}[len(c.Name)%3])
	}
	return changes, nil
}

func TestImport(t *testing.T) {
	file := "name,email,size\nabc,a@x.test,\nbad1,,\nabcd,,\nabcde,nonsense,\n,,5\nbad2,,\nbad3,,\nabcdef,,\n"
	var reg register
	var progress []int
	got, err := contactfile.Import(t.Context(), contactfile.ReadCSV(strings.NewReader(file), contactfile.Options{}), reg.put,
		contactfile.ImportOptions{Batch: 4, DryRun: true, Progress: func(rows int, bytes int64) {
			if bytes <= 0 || bytes > int64(len(file)) {
				t.Errorf("progress tells of %d bytes of %d", bytes, len(file))
			}
			progress = append(progress, rows)
		}})
	if err != nil {
		t.Fatal(err)
	}
	refused := "put contacts: company: it is a person"
	want := contactfile.Result{
		Created: 2, Updated: 1, Unchanged: 1, RejectedRows: 4,
		Rejected: []contactfile.Remark{
			{Line: 3, Reason: refused},
			{Line: 6, Reason: "there is no name, e-mail address or phone number in it"},
			{Line: 7, Reason: refused}, {Line: 8, Reason: refused},
		},
		Warnings: []contactfile.Remark{
			{Line: 1, Reason: "columns not read: size"},
			{Line: 5, Reason: "email: a value is no e-mail address"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Import (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"abc", "abcd", "abcde", "abcdef"}, reg.names); diff != "" {
		t.Errorf("what the register got (-want +got):\n%s", diff)
	}
	if !reg.dry {
		t.Error("the register was not told of the dry run")
	}
	if diff := cmp.Diff([]int{5, 9}, progress); diff != "" { // with the header's remark
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestImportOfABatchThatIsRefusedThroughout(t *testing.T) {
	const n = 500
	var reg register
	got, err := contactfile.Import(t.Context(), contactfile.ReadCSV(strings.NewReader("name\n"+strings.Repeat("bad\n", n)), contactfile.Options{}),
		reg.put, contactfile.ImportOptions{})
	if err != nil || got.RejectedRows != n || len(got.Rejected) != n || reg.calls > 2*n {
		t.Errorf("Import: %d rejected, %d told, %d calls, error %v; want all %d in at most two calls each", got.RejectedRows, len(got.Rejected), reg.calls, err, n)
	}
}

func TestImportStopsAtAnotherError(t *testing.T) {
	file := "name\na\nb\nc\nd\n"
	gone := errors.New("the database is gone")
	calls := 0
	put := func(_ context.Context, contacts []kith.Contact, _ bool) ([]kith.ContactChange, error) {
		if calls++; calls == 2 {
			return nil, gone
		}
		return []kith.ContactChange{kith.ContactCreated, kith.ContactCreated}, nil
	}
	got, err := contactfile.Import(t.Context(), contactfile.ReadCSV(strings.NewReader(file), contactfile.Options{}), put, contactfile.ImportOptions{Batch: 2})
	if !errors.Is(err, gone) || err.Error() != "import lines 4 to 5: the database is gone" || got.Created != 2 || calls != 2 {
		t.Errorf("Import = %+v, %v after %d calls, want the first batch and the error", got, err, calls)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var reg register
	_, err = contactfile.Import(ctx, contactfile.ReadCSV(strings.NewReader(file), contactfile.Options{}), reg.put, contactfile.ImportOptions{})
	if !errors.Is(err, context.Canceled) || reg.calls != 0 {
		t.Errorf("Import with a context that is done: %v, %d calls, want none", err, reg.calls)
	}

	_, err = contactfile.Import(t.Context(), contactfile.ReadCSV(strings.NewReader(""), contactfile.Options{}), reg.put, contactfile.ImportOptions{})
	if err == nil || reg.calls != 0 {
		t.Errorf("Import of an empty file: %v, %d calls, want an error and none", err, reg.calls)
	}
}
