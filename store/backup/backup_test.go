package backup_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/store"
	"kith/store/backup"
)

var t0 = time.Date(2026, 11, 23, 9, 15, 0, 123456000, time.UTC)

// oneOfEach has a row of each kind, with all of its fields set.
func oneOfEach() []store.Row {
	text := func(s string) *string { return &s }
	company, person := kith.ID{1, 15: 1}, kith.ID{1, 15: 2}
	key := func(n byte) kith.Key { return kith.Key{n, 15: 255} }
	minutes, ended := 45, t0.Add(time.Hour).In(time.FixedZone("", 20700))
	return []store.Row{
		&store.VersionsRow{Contacts: 7, Definitions: 1 << 60},
		&store.ContactRow{Contact: kith.Contact{
			ID: company, Type: kith.Company, Source: "manual", Name: "Client Ltd", Emails: []string{}, Phones: []string{}, Tags: []string{}, CreatedAt: t0, UpdatedAt: t0,
		}},
		&store.ContactRow{Contact: kith.Contact{
			ID: person, Type: kith.Person, ExternalID: "1", Source: "csv", Name: "Zoë <Z>", FirstName: "Zoë", LastName: "Z", CompanyID: &company,
			Emails: []string{"z@client.test", "y@client.test"}, Phones: []string{"+3225551234"}, Title: "CEO", Language: "fr", Owner: "o", Tags: []string{"b", "a"},
			NeverRecord: true, Archived: true, Notes: map[string]string{"b": "1\n", "a": "\u2028"}, CreatedAt: t0, UpdatedAt: t0.Add(time.Microsecond),
		}},
		&store.MergedRow{Contact: person, Into: company},
		&store.DistinctRow{A: company, B: person, Since: t0},
		&store.AccountRow{Account: kith.Account{
			Name: "a", Origin: kith.OriginRegister, Kind: "imap", Owner: "o", Schedule: "@hourly", Settings: "s", State: kith.StateFailing,
			NextPoll: t0, LastPoll: t0, LastSuccess: t0, Attempts: 2, Error: "e", ErrorSince: t0,
		}},
		&store.DefinitionRow{Definition: kith.Definition{
			Account: kith.Account{Name: "a"}, Text: "kind = \"imap\"\n", Secret: kith.Sealed{Key: "k", Box: []byte{0, 255}}, Disabled: true, UpdatedAt: t0,
		}},
		&store.IdentityRow{Identity: kith.Identity{
			Address: "a@x.test", Owner: "o", State: kith.IdentityAccepted, Seen: kith.SightingCounts{Sent: 1, Plus: 2, Delivered: 3}, LastSeen: t0, Decided: t0.Add(time.Microsecond),
		}},
		&store.StreamRow{Account: "a", StreamStatus: kith.StreamStatus{
			Name: "INBOX", Cursor: "\xff\x00", LastSuccess: t0, Recorded: 1, Skipped: map[kith.Reason]int{kith.ReasonBulk: 2}, Backfilled: 0.1, Error: "e",
		}},
		&store.StreamRow{Account: "a", StreamStatus: kith.StreamStatus{Name: "Sent", Skipped: map[kith.Reason]int{}, LookedBack: 3}},
		&store.QuarantinedRow{Quarantined: kith.Quarantined{Account: "a", Stream: "INBOX", Ref: "1", Cause: "c", Since: t0, Attempts: 3, NextTry: t0}},
		&store.CardRow{CardTie: kith.CardTie{Account: "a", Stream: "INBOX", Ref: "r", UID: "u", Contact: person, Facts: `{"says":{"name":"n"}}`, GoneAt: t0}},
		&store.CardGroupRow{Account: "a", Stream: "INBOX", CardGroup: kith.CardGroup{Ref: "g", UID: "u2", Name: "n", Org: true, Members: []string{"u"}}},
		&store.ThreadRow{Least: -1 << 63, Heads: []int64{-5, 1<<63 - 1}},
		&store.ThreadRow{Least: 4, Heads: []int64{}},
		&store.MemberRow{Hash: 1<<63 - 1, Root: -5},
		&store.InteractionRow{
			Keys: []kith.Key{key(3), key(4)}, MessageIDs: []string{"<copy@client.test>"},
			Interaction: kith.Interaction{
				ID: kith.ID{2}, Key: key(2), Fingerprint: key(9), Kind: kith.KindMeeting, Status: kith.StatusPlanned, Direction: kith.Outbound, InitiatedBy: kith.InitiatedByUs,
				OccurredAt: time.Date(-200, 2, 3, 4, 5, 6, 7000, time.FixedZone("", -3723)), EndedAt: &ended, DateOnly: true, DurationMinutes: &minutes,
				Subject: "a & \"b\" 日本", Owner: "o", Template: "T", Group: "G", Thread: store.ThreadID(-5), MessageID: text("<x@client.test>"), ICalUID: text("u"), RecurrenceID: text("r"),
				Participants: []kith.Participant{{Role: kith.RoleFrom, Address: "z@client.test", Name: "Z", Response: text("accepted")}},
				Links:        []kith.Link{{ContactID: person, Role: kith.RoleFrom, Matched: "z@client.test", Rule: kith.LinkByEmail, Ambiguous: true}},
				Evidence:     []kith.Evidence{{Account: "a", Stream: "INBOX", Ref: "1", SeenAt: t0}, {Account: "a", Stream: "INBOX", Ref: "2", SeenAt: t0, Gone: true}},
				Attachments:  []kith.Attachment{{Name: "n", MediaType: "m/t", Size: 1 << 40, Inline: true}},
				Evaluation:   text("neutral"), AttemptFailed: true, Cost: text("1.50"), Currency: text("EUR"), CorrespondenceType: "email", Language: text("nl"),
				Campaign: text("c"), CampaignResponse: true, Segment: text("s"), Opportunity: text("o"), Task: text("t"),
				Document:       &kith.Document{Type: "t", Number: "1", Version: "2", URL: "u"},
				DeliveryStatus: kith.DeliveryBounced, DeliveryReason: "5.1.1", Snippet: "s", Flags: []string{"auto_reply"},
				Notes: []kith.Note{{Author: "a", At: t0, Text: "n"}}, DirectionRule: kith.DirectionByHand,
			},
		},
		&store.TombstoneRow{Key: key(5), ErasedAt: t0},
		&store.ErasedCopyRow{Fingerprint: key(6), OccurredAt: t0, ErasedAt: t0},
		&store.BounceRow{Hash: -1, Status: "5.1.1"},
		&store.SoughtRow{Sought: kith.Sought{N: 1 << 40, Address: "z@client.test"}},
		&store.SaltRow{Salt: []byte{0, 255}},
		&store.ForgottenRow{Digest: [16]byte{7}, Why: kith.ForgottenRemoved, At: t0},
		&store.WaysRow{Digest: [16]byte{8}, Ways: kith.WayIn | kith.WayMass},
		&store.SuggestionRow{Account: "a", Stream: "INBOX", Suggestion: kith.Suggestion{Address: "y@client.test", Name: "Y", Inbound: 1, Outbound: 2, FirstSeen: t0, LastSeen: t0}},
	}
}

func each(rows ...store.Row) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func header() backup.Header {
	return backup.Header{Kith: "1.2", Database: "sqlite", Schema: 2, Created: t0.Truncate(time.Second)}
}

func write(t testing.TB, rows ...store.Row) []byte {
	t.Helper()
	var file bytes.Buffer
	if _, err := backup.Write(&file, header(), each(rows...)); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func read(file io.Reader) (f *backup.Reader, rows []store.Row, err error) {
	if f, err = backup.Open(file); err != nil {
		return nil, nil, err
	}
	for row, err := range f.Rows() {
		if err != nil {
			return f, rows, err
		}
		rows = append(rows, row)
	}
	return f, rows, nil
}

func TestEverythingComesOutAsItWentIn(t *testing.T) {
	want := oneOfEach()
	var file bytes.Buffer
	sum, err := backup.Write(&file, header(), each(want...))
	if err != nil {
		t.Fatal(err)
	}
	f, rows, err := read(&file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	h := header()
	h.Format = backup.Format
	if diff := cmp.Diff(h, f.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sum, f.Summary); diff != "" || sum.Rows[store.RowContact] != 2 || len(sum.Rows) != len(store.RowKinds) {
		t.Errorf("summary %v (-want +got):\n%s", sum.Rows, diff)
	}
	tally := backup.NewTally()
	for _, err := range tally.Count(each(rows...)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := tally.Summary(); !cmp.Equal(got, sum) {
		t.Errorf("the tally is %v, want %v", got, sum)
	}
}

var golden = flag.Bool("golden", false, "write testdata/format2.jsonl anew")

// TestReadsOldFormats reads a file of each older format. Never change them: people have such files.
func TestReadsOldFormats(t *testing.T) {
	for format := 1; format < backup.Format; format++ {
		name := fmt.Sprintf("testdata/format%d.jsonl", format)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, rows, err := read(bytes.NewReader(compress(t, text)))
		if err != nil || f.Header.Format != format || len(rows) == 0 {
			t.Errorf("%s can't be read any more: %d rows, %v", name, len(rows), err)
		}
		want := oneOfEach()
		for _, row := range rows {
			same := func(r store.Row) bool { return cmp.Equal(r, row) }
			if !slices.ContainsFunc(want, same) {
				t.Errorf("%s: a row of kind %s is read as something else", name, row.Kind())
			}
		}
	}
}

// TestFormatStaysAsItIs reads a file of the newest format. Once it has been released, never change it: people
// have such files. Whoever wants another format raises backup.Format.
func TestFormatStaysAsItIs(t *testing.T) {
	name := fmt.Sprintf("testdata/format%d.jsonl", backup.Format)
	text := expand(t, write(t, oneOfEach()...))
	if *golden {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("%s is no longer what is written (-want +got):\n%s", name, diff)
	}
	if _, rows, err := read(bytes.NewReader(compress(t, want))); err != nil || !cmp.Equal(rows, oneOfEach()) {
		t.Errorf("%s can't be read any more: %v", name, err)
	}
}

func expand(t testing.TB, file []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func compress(t testing.TB, text []byte) []byte {
	t.Helper()
	var file bytes.Buffer
	w := gzip.NewWriter(&file)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestWhatIsRefused(t *testing.T) {
	whole := write(t, oneOfEach()...)
	text := string(expand(t, whole))
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	edited := func(old, new string) []byte {
		if !strings.Contains(text, old) {
			t.Fatalf("there is no %s", old)
		}
		return compress(t, []byte(strings.Replace(text, old, new, 1)))
	}
	joined := func(lines ...string) []byte { return compress(t, []byte(strings.Join(lines, ""))) }
	for _, tt := range []struct {
		why  string
		file []byte
		says string
	}{
		{"nothing", nil, "it is no backup"},
		{"something else", []byte("SQLite format 3\x00, and more of it"), "it is no backup"},
		{"something else that is compressed", compress(t, []byte("hello\n")), "it is no backup"},
		{"nothing that is compressed", compress(t, nil), "it is no backup"},
		{"no header", joined(lines[1:]...), "it is no backup"},
		{"a newer format", edited(`"format":2,"kith":"1.2"`, `"format":3,"kith":"9.9","news":{}`), `format 3, made by kith "9.9"; this program reads formats up to 2`},
		{"no format", edited(`"format":2`, `"format":0`), "it is no backup"},
		{"cut off in the middle", whole[:len(whole)/2], "it was cut off"},
		{"cut off before the checksum", whole[:len(whole)-8], "it was cut off"},
		{"cut off by one byte", whole[:len(whole)-1], "it was cut off"},
		{"without its last line", joined(lines[:len(lines)-1]...), "it was cut off"},
		{"without its header only", joined(lines[:1]...), "it was cut off"},
		{"without one of its lines", joined(append(append([]string{}, lines[:3]...), lines[4:]...)...), "it is damaged: its rows"},
		{"with a line twice", joined(append(append([]string{}, lines[:3]...), lines[2:]...)...), "it is damaged: its rows"},
		{"another letter", edited("Client Ltd", "Client Lid"), "it is damaged: its rows"},
		{"another number of rows", edited(`"contact":2`, `"contact":3`), "it is damaged: its rows"},
		{"more behind its end", compress(t, []byte(text+lines[1])), "goes on behind its end"},
		{"more behind the compressed end", append(bytes.Clone(whole), "more"...), "read backup"},
		{"a field that is not known", edited(`{"versions":{`, `{"versions":{"x":1,`), `line 2`},
		{"a kind that is not known", edited(`{"versions":`, `{"visions":`), `line 2`},
		{"no row", edited(lines[1], "{}\n"), "line 2: there is no row"},
		{"no JSON", edited(lines[1], "{\n"), "line 2: the file is damaged"},
		{"another type", edited(`"attempts":2`, `"attempts":"2"`), "line 7: the file is damaged: "},
		{"a short key", edited(`"key":"05`, `"key":"5`), "a key has 32 digits"},
		{"a short digest", edited(`"hash":"`, `"hash":"0`), "a digest has 16 digits"},
		{"no key", edited(text[strings.Index(text, `"keys":[`):strings.Index(text, `,"fingerprint":"09`)], `"keys":[]`), "has no key"},
		{"facts that are none", edited(`"facts":{"by"`, `"facts":{"who":7,"by"`), "line "},
		{"a line without end", compress(t, []byte(lines[0]+`{"contact":{"name":"`+strings.Repeat("x", 20<<20))), "a line has more than"},
	} {
		_, _, err := read(bytes.NewReader(tt.file))
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "the file is damaged: its rows", "it is damaged: its rows"), tt.says) || !strings.HasPrefix(err.Error(), "read backup") {
			t.Errorf("%s: %v, want %q", tt.why, err, tt.says)
		}
		if err != nil && strings.Contains(err.Error(), "Client") {
			t.Errorf("%s: the error tells of what is in the file: %v", tt.why, err)
		}
	}
}

func TestEveryBitCounts(t *testing.T) {
	whole := write(t, oneOfEach()...)
	want := oneOfEach()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		file, at := bytes.Clone(whole), rng.IntN(len(whole))
		file[at] ^= 1 << rng.IntN(8)
		// Some bits of the compressed file mean nothing, such as its time.
		if _, rows, err := read(bytes.NewReader(file)); err == nil && !cmp.Equal(rows, want) {
			t.Fatalf("byte %d is another, and nobody noticed", at)
		}
	}
	for n := range len(whole) {
		if _, _, err := read(bytes.NewReader(whole[:n])); err == nil {
			t.Fatalf("%d of %d bytes are enough", n, len(whole))
		}
	}
}

func TestWriteFails(t *testing.T) {
	rows := oneOfEach()
	broken := errors.New("broken")
	var file bytes.Buffer
	_, err := backup.Write(&file, header(), func(yield func(store.Row, error) bool) {
		if yield(rows[0], nil) {
			yield(nil, broken)
		}
	})
	if !errors.Is(err, broken) {
		t.Errorf("rows that end with an error: %v", err)
	}
	if _, _, err := read(&file); err == nil {
		t.Error("what was written of them can be read")
	}
	var many []store.Row
	for n := range int64(20_000) {
		many = append(many, &store.MemberRow{Hash: n * 0x1e3779b97f4a7c15, Root: n * 0x3c6ef372fe94f82b})
	}
	for _, room := range []int{0, 5, 100, 50_000} {
		if _, err := backup.Write(&full{room}, header(), each(many...)); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("I08 disk full after %d bytes: %v", room, err)
		}
	}
	long := store.DefinitionRow{Definition: kith.Definition{Text: strings.Repeat("x", 17<<20)}}
	if _, err := backup.Write(io.Discard, header(), each(&long)); err == nil || !strings.Contains(err.Error(), "definition") {
		t.Errorf("a row that could not be read again: %v", err)
	}
}

// full is a disk with room for some bytes.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, fmt.Errorf("no space left: %w", io.ErrShortWrite)
	}
	f.room -= len(p)
	return len(p), nil
}

// FuzzRead reads files, and lines of files, that may be anything. What can be read
// can be written, and is the same when it is read again.
func FuzzRead(f *testing.F) {
	whole := write(f, oneOfEach()...)
	f.Add(whole)
	for _, line := range bytes.SplitAfter(expand(f, whole), []byte("\n")) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, rows, err := read(bytes.NewReader(data))
		if err != nil {
			row, err := backup.ParseRow(data)
			if err != nil {
				return
			}
			rows = []store.Row{row}
		}
		file := write(t, rows...)
		_, again, err := read(bytes.NewReader(file))
		if err != nil {
			t.Fatalf("it can't be read again: %v", err)
		}
		if second := write(t, again...); !bytes.Equal(file, second) {
			t.Fatalf("what was read again is not the same:\n%s\n%s", expand(t, file), expand(t, second))
		}
	})
}
