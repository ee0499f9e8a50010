package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"kith/seal"
)

// line is a line of a ring whose key is 32 times the byte.
func line(id string, b byte) string {
	return id + " " + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
}

func parse(t *testing.T, lines ...string) seal.Ring {
	t.Helper()
	ring, err := seal.Parse(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestParse(t *testing.T) {
	b64 := strings.Fields(line("x", 'k'))[1]
	for _, tt := range []struct{ reason, text, first, err string }{
		{"nothing", "", "", "there is no key: want a line with an id and a key"},
		{"comments alone", "# a\n\n  # b", "", "there is no key: want a line with an id and a key"},
		{"H09 a key without an id", b64, "", "line 1: want an id, a blank and a key, and nothing else"},
		{"H09 the key first", b64 + " 2026", "", "line 1: the first word is no id: want letters, digits and - _ . , 32 at most, a letter or digit first"},
		{"H09 a comment behind the key", "a " + b64 + " # old", "", "line 1: want an id, a blank and a key, and nothing else"},
		{"an id that begins with a hyphen", "-a " + b64, "", "line 1: the first word is no id: want letters, digits and - _ . , 32 at most, a letter or digit first"},
		{"an id too long", strings.Repeat("a", 33) + " " + b64, "", "line 1: the first word is no id: want letters, digits and - _ . , 32 at most, a letter or digit first"},
		{"H09 a key too short", "a " + b64[:20], "", `line 1: the key "a" has 15 bytes: want 32`},
		{"H09 a key too long", "a " + b64[:40] + b64, "", `line 1: the key "a" has 62 bytes: want 32`},
		{"H09 not base64", "# c\na " + b64[:43] + "!", "", `line 2: the key "a" is not base64`},
		{"H09 base64 with bits left over", "a " + b64[:42] + "t=", "", `line 1: the key "a" is not base64`},
		{"H09 an id twice", line("a", 1) + "\n" + line("b", 2) + "\n" + line("a", 3), "", `line 3: there is a key "a" already: an id names one key`},
		{"one key", "a " + b64, "a", ""},
		{"several, with comments, blanks and another system's line ends", "# ring\r\n\r\n\t" + line("2026-11.new_1", 1) + " \r\n" + line("b", 2) + "\r\n", "2026-11.new_1", ""},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			ring, err := seal.Parse(tt.text)
			if got := fmt.Sprint(err); tt.err != "" && got != tt.err || tt.err == "" && err != nil {
				t.Errorf("error %q, want %q", got, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), b64[:8]) {
				t.Errorf("the error shows the key: %v", err)
			}
			if ring.First() != tt.first {
				t.Errorf("the first key is %q, want %q", ring.First(), tt.first)
			}
		})
	}
}

func TestSealOpens(t *testing.T) {
	ring := parse(t, line("a", 1))
	for _, secret := range []string{"hunter2", "", "pässwörd \x00\n", strings.Repeat("x", 64<<10)} {
		id, box, err := ring.Seal(secret, "alice")
		if err != nil || id != "a" {
			t.Fatalf("Seal: key %q, %v", id, err)
		}
		if secret != "" && bytes.Contains(box, []byte(secret)) {
			t.Error("the box holds the secret in clear")
		}
		if got, err := ring.Open(id, box, "alice"); got != secret || err != nil {
			t.Errorf("Open gives %d bytes, %v; want the %d that were sealed", len(got), err, len(secret))
		}
	}
}

func TestSealTwiceDiffers(t *testing.T) {
	ring := parse(t, line("a", 1))
	_, one, err := ring.Seal("hunter2", "alice")
	if err != nil {
		t.Fatal(err)
	}
	_, two, err := ring.Seal("hunter2", "alice")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(one, two) || bytes.Equal(one[:12], two[:12]) {
		t.Error("two boxes of the same secret have the same nonce")
	}
}

func TestOpenRefuses(t *testing.T) {
	ring := parse(t, line("a", 1), line("b", 2))
	_, box, err := ring.Seal("hunter2", "alice")
	if err != nil {
		t.Fatal(err)
	}
	const changed = ": it was changed, belongs to another, or another key had this id"
	for _, tt := range []struct {
		reason string
		ring   seal.Ring
		key    string
		box    []byte
		owner  string
		err    string
	}{
		{"moved to another account", ring, "a", box, "bob", `the key "a" does not open it` + changed},
		{"an owner that goes on differently", ring, "a", box, "alic", `the key "a" does not open it` + changed},
		{"said to be another key's", ring, "b", box, "alice", `the key "b" does not open it` + changed},
		{"a key that is not in the ring", ring, "2024", box, "alice", `there is no key "2024", which sealed it`},
		{"another key under the same id", parse(t, line("a", 3)), "a", box, "alice", `the key "a" does not open it` + changed},
		{"empty", ring, "a", nil, "alice", `the key "a" does not open it` + changed},
		{"shorter than a nonce", ring, "a", box[:5], "alice", `the key "a" does not open it` + changed},
		{"cut short", ring, "a", box[:len(box)-1], "alice", `the key "a" does not open it` + changed},
		{"gone on", ring, "a", append(bytes.Clone(box), 0), "alice", `the key "a" does not open it` + changed},
		{"no ring", seal.Ring{}, "a", box, "alice", `there is no key "a", which sealed it`},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			secret, err := tt.ring.Open(tt.key, tt.box, tt.owner)
			if secret != "" || err == nil || err.Error() != tt.err {
				t.Errorf("%d bytes, %v; want %s", len(secret), err, tt.err)
			}
		})
	}
	// Any bit: nonce, text and tag.
	for i := range box {
		tampered := bytes.Clone(box)
		tampered[i] ^= 0x10
		if _, err := ring.Open("a", tampered, "alice"); err == nil {
			t.Errorf("byte %d of the box was changed, and it opens", i)
		}
	}
	if _, _, err := (seal.Ring{}).Seal("hunter2", "alice"); err == nil {
		t.Error("a ring without keys seals")
	}
}

func TestRotation(t *testing.T) {
	before := parse(t, line("old", 1))
	id, box, err := before.Seal("hunter2", "alice")
	if err != nil {
		t.Fatal(err)
	}
	during := parse(t, line("new", 2), line("old", 1))
	secret, err := during.Open(id, box, "alice")
	if err != nil || secret != "hunter2" {
		t.Fatalf("the old key does not open beside the new one: %v", err)
	}
	id, box, err = during.Seal(secret, "alice")
	if err != nil || id != "new" {
		t.Fatalf("sealed by %q, %v; want the first", id, err)
	}
	after := parse(t, line("new", 2))
	if !during.Has("old") || after.Has("old") || (seal.Ring{}).Has("") {
		t.Error("Has does not tell which keys there are")
	}
	if secret, err := after.Open(id, box, "alice"); err != nil || secret != "hunter2" {
		t.Errorf("without the old key: %v", err)
	}
}

func TestNewKey(t *testing.T) {
	one, err := seal.NewKey("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	two, err := seal.NewKey("2026-12")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Fields(one)[1] == strings.Fields(two)[1] {
		t.Error("two keys are the same")
	}
	if ring := parse(t, one, two); ring.First() != "2026-11" {
		t.Errorf("the first key is %q", ring.First())
	}
	if _, err := seal.NewKey("a b"); err == nil || !strings.Contains(err.Error(), `"a b" is no id for a key`) {
		t.Errorf("NewKey(a b): %v", err)
	}
}

func TestRingDoesNotPrint(t *testing.T) {
	ring := parse(t, line("the-id", 'k'))
	type inside struct {
		Exported seal.Ring
		hidden   seal.Ring
		pointer  *seal.Ring
	}
	secret := strings.Repeat("k", 8)
	shown := []string{secret, strings.Repeat("6b", 8), strings.Repeat("107 ", 4), line("", 'k')[1:10]}
	for name, v := range map[string]any{
		"itself": ring, "behind a pointer": &ring, "in a struct": inside{ring, ring, &ring}, "in a list": []seal.Ring{ring},
	} {
		var texts []string
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("ring", "ring", v)
		for _, text := range append(texts, string(text), log.String()) {
			for _, s := range shown {
				if strings.Contains(text, s) {
					t.Errorf("H09 %s shows the key: %s", name, text)
				}
			}
		}
	}
	if got := fmt.Sprintf("%+v", ring); got != "[keys]" {
		t.Errorf("%%+v gives %s", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(line("a", 1) + "\n# c\n" + line("b", 2))
	f.Add("a " + strings.Repeat("A", 44))
	f.Add("\x00 \n\r")
	f.Fuzz(func(t *testing.T, text string) {
		ring, err := seal.Parse(text)
		if err != nil {
			if ring.First() != "" {
				t.Error("a ring beside an error")
			}
			return
		}
		id, box, err := ring.Seal("s", "o")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ring.Open(id, box, "o"); got != "s" || err != nil {
			t.Errorf("what was sealed does not open: %v", err)
		}
	})
}
