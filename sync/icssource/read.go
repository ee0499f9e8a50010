package icssource

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kith"
	"kith/sync/ical"
	"kith/sync/webdav"
)

// resource is an event with what it gives to the window. Its ETag stands for that.
type resource struct {
	webdav.Member
	uid  string
	take ical.Take
}

// content is what was read.
type content struct {
	resources []resource
	failed    []kith.Failure
	warnings  []string
}

// read reads the feed, the file or the folder, unless it is what validators tell of.
func (s *Source) read(ctx context.Context, known webdav.Validators, window ical.Window) (got content, now webdav.Validators, changed bool, err error) {
	var data []byte
	if s.file == "" {
		now, changed, err = s.client.GetChanged(ctx, s.url, "text/calendar, */*;q=0.1", known, func(body io.Reader) (err error) {
			data, err = io.ReadAll(body)
			return err
		})
		if err != nil || !changed {
			return got, now, changed, err
		}
		c, err := s.calendar(data)
		if err != nil {
			return got, known, false, fmt.Errorf("%s: %w", s.url.Hostname(), err)
		}
		s.add(&got, c, "", window)
		return got, now, true, nil
	}
	info, err := os.Stat(s.file)
	if err != nil {
		return got, known, false, kith.Faultf(kith.FaultTransient, "read the calendar: %w", err)
	}
	if !info.IsDir() {
		now = stamp([]fs.FileInfo{info})
		if now == known {
			return got, known, false, nil
		}
		data, err := s.readFile(s.file)
		if err != nil {
			return got, known, false, err
		}
		c, err := s.calendar(data)
		if err != nil {
			return got, known, false, err
		}
		s.add(&got, c, "", window)
		return got, now, true, nil
	}
	return s.readFolder(ctx, known, window)
}

// stamp makes validators of files.
func stamp(files []fs.FileInfo) webdav.Validators {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %d %d\n", f.Name(), f.Size(), f.ModTime().UnixNano())
	}
	return webdav.Validators{ETag: hex.EncodeToString(h.Sum(nil)[:16])}
}

func (s *Source) readFolder(ctx context.Context, known webdav.Validators, window ical.Window) (got content, now webdav.Validators, changed bool, err error) {
	entries, err := os.ReadDir(s.file)
	if err != nil {
		return got, known, false, kith.Faultf(kith.FaultTransient, "read the folder: %w", err)
	}
	var files []fs.FileInfo
	for _, e := range entries {
		if !strings.EqualFold(filepath.Ext(e.Name()), ".ics") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if info, err := os.Stat(filepath.Join(s.file, e.Name())); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
		}
		if len(files) > maxFiles {
			return got, known, false, kith.Faultf(kith.FaultSettings, "there are more than %d files in the folder", maxFiles)
		}
	}
	if now = stamp(files); now == known {
		return got, known, false, nil
	}
	for _, f := range files {
		if err := s.alive(ctx); err != nil {
			return got, known, false, err
		}
		ref := ical.ResourceOf(f.Name())
		data, err := s.readFile(filepath.Join(s.file, f.Name()))
		var c *ical.Calendar
		if err == nil {
			c, err = s.calendar(data)
		}
		if err != nil {
			got.failed = append(got.failed, kith.Failure{Ref: ref, Cause: err.Error()})
			continue
		}
		s.add(&got, c, ref+fileEnd, window)
	}
	return got, now, true, nil
}

func (s *Source) readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read the calendar: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, s.opts.MaxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the calendar: %w", err)
	case int64(len(data)) > s.opts.MaxBody:
		return nil, fmt.Errorf("the file is longer than %d bytes", s.opts.MaxBody)
	}
	return data, nil
}

// calendar reads what has to be a whole calendar.
func (s *Source) calendar(data []byte) (*ical.Calendar, error) {
	c := ical.Read(data, ical.Options{Zone: s.opts.Zone, Zones: &s.zones})
	switch {
	case len(strings.TrimSpace(string(data))) == 0:
		return nil, errors.New("it is empty, where a calendar was: nothing is changed for that")
	case !c.Found:
		return nil, errors.New("it is no calendar, perhaps a web page that wants a login: nothing is changed for that; does url lead to the .ics file?")
	case c.Cut:
		return nil, errors.New("the calendar is cut off: nothing is changed for that")
	}
	return c, nil
}

// add adds the events of a calendar. before goes before the names of their resources.
func (s *Source) add(got *content, c *ical.Calendar, before string, window ical.Window) {
	each, lost := c.Split()
	for _, one := range each {
		uid := one.Events[0].UID
		r := resource{uid: uid, take: one.Take(before+ical.ResourceOf(uid), window, time.Time{})}
		told, err := json.Marshal([]any{r.take.Items, r.take.Failed})
		if err != nil {
			panic(err) // plain fields always can be written
		}
		digest := sha256.Sum256(told)
		r.Member = webdav.Member{Ref: before + ical.ResourceOf(uid), ETag: hex.EncodeToString(digest[:16])}
		got.resources = append(got.resources, r)
	}
	for _, w := range lost {
		got.failed = append(got.failed, kith.Failure{Ref: before + ical.ResourceOf(w.UID), Cause: w.Text})
	}
	for _, w := range c.Warnings {
		if w.UID == "" && !w.Lost && len(got.warnings) < maxWarnings {
			got.warnings = append(got.warnings, w.Text)
		}
	}
}
