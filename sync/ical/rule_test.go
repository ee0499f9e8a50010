package ical_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kith"
	"kith/sync/ical"
)

// corpora returns the folder of calendar files that others wrote. KITH_CORPORA names
// it when it lies elsewhere.
func corpora(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("KITH_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("KITH_REQUIRE_SERVERS") != "" {
			t.Fatalf("no corpora: %v", err)
		}
		t.Skipf("no corpora: %v", err)
	}
	return dir
}

// TestF07Rules expands the rules of python-dateutil's own tests.
func TestF07Rules(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(corpora(t), "dateutil", "rrule.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rules []struct {
		Name, DTStart, RRule string
		Expected             []string
	}
	if err := json.Unmarshal(data, &rules); err != nil {
		t.Fatal(err)
	}
	if len(rules) < 200 {
		t.Fatalf("only %d rules", len(rules))
	}
	for _, tt := range rules {
		t.Run(tt.Name, func(t *testing.T) {
			file := event("DTSTART:"+tt.DTStart, "RRULE:"+tt.RRule)
			occurrences, _ := ical.Read([]byte(file), ical.Options{}).Occurrences(day(1900, 1, 1), day(2200, 1, 1))
			var got []string
			for _, o := range occurrences {
				got = append(got, o.Start.Format("20060102T150405"))
			}
			if strings.Join(got, " ") != strings.Join(tt.Expected, " ") {
				t.Errorf("%s from %s gives\n%v, want\n%v", tt.RRule, tt.DTStart, got, tt.Expected)
			}
		})
	}
}

// TestCorpora reads every calendar of the corpora: each event has an outcome, and none takes long.
func TestCorpora(t *testing.T) {
	files, events := 0, 0
	err := filepath.WalkDir(corpora(t), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".ics") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		begun := time.Now()
		c := ical.Read(data, ical.Options{})
		occurrences, warnings := c.Occurrences(day(1990, 1, 1), day(2040, 1, 1))
		if took := time.Since(begun); took > hang {
			t.Errorf("%s takes %v", path, took)
		}
		events += len(c.Events)
		if len(c.Events) == 0 && len(c.Warnings) == 0 && strings.Contains(string(data), "BEGIN:VEVENT") {
			t.Errorf("%s: there are events in it, and nothing is said of them", path)
		}
		check(t, path, occurrences, day(1990, 1, 1), day(2040, 1, 1))
		_ = warnings
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 200 || events < 300 {
		t.Errorf("only %d files with %d events", files, events)
	}
}

// check holds what is true of any calendar.
func check(t *testing.T, name string, occurrences []kith.Occurrence, from, to time.Time) {
	t.Helper()
	seen := map[string]bool{}
	for i, o := range occurrences {
		id := o.UID + "\n" + o.RecurrenceID.Format(time.RFC3339)
		switch {
		case seen[id]:
			t.Errorf("%s: an occurrence is there twice: %q", name, id)
		case i > 0 && o.Start.Before(occurrences[i-1].Start):
			t.Errorf("%s: not in order: %v before %v", name, occurrences[i-1].Start, o.Start)
		case o.End.Before(o.Start):
			t.Errorf("%s: it ends at %v and begins at %v", name, o.End, o.Start)
		case !o.Start.Before(to) || o.End.Before(from):
			t.Errorf("%s: %v to %v lies outside of %v to %v", name, o.Start, o.End, from, to)
		case o.UID == "" || o.Status == "" || o.Class == "":
			t.Errorf("%s: without UID, status or class: %+v", name, o)
		}
		seen[id] = true
	}
}
