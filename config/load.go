package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Env is what a configuration depends on beside its files. All fields must be set.
type Env struct {
	Getenv func(string) string // as os.Getenv
	Now    time.Time
	// ValidPattern says what is wrong with a pattern of never_record. It is the
	// rule of whoever matches them: a pattern that passed here and then
	// covered nothing would record what must not be.
	ValidPattern func(pattern string) error
	// ValidRegion tells whether phone numbers of a country are known, for the same reason.
	ValidRegion func(region string) bool
}

// Find returns the file to load: the one named on the command line, else the
// one in $KITH_CONFIG, else ./kith.toml, else /etc/kith/kith.toml. If there is
// none the error is [fs.ErrNotExist]; a file that was named is not looked at here.
func Find(flag string, getenv func(string) string) (string, error) {
	if path := cmp.Or(flag, getenv("KITH_CONFIG")); path != "" {
		return path, nil
	}
	usual := []string{"kith.toml", "/etc/kith/kith.toml"}
	for _, path := range usual {
		if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
	}
	return "", fmt.Errorf("no configuration: looked for $KITH_CONFIG, ./%s; name one with --config, or write one with kith init: %w",
		strings.Join(usual, " and "), fs.ErrNotExist)
}

// Load reads a file and conf.d/*.toml beside it, in the order of their names,
// and checks all of it. Relative paths start at the file's folder. The
// error is [Problems]: everything that is wrong, not the first thing. What is
// checked are the files, those that they name, and the environment; no
// network is used and no command run.
func Load(path string, env Env) (*Config, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, Problems{{File: path, Message: err.Error()}}
	}
	l := &loader{cfg: Default(), env: env, dir: dir, places: map[string]place{}, broken: map[string]bool{}}
	l.cfg.Path = path
	files := []string{path}
	more, err := confD(filepath.Join(filepath.Dir(path), "conf.d"))
	var unread Problems
	if err != nil {
		unread = append(unread, Problem{File: filepath.Join(filepath.Dir(path), "conf.d"), Message: plain(err)})
	}
	for i, file := range append(files, more...) {
		data, err := readFile(file)
		if err != nil {
			unread = append(unread, Problem{File: file, Message: plain(err)})
			continue
		}
		doc, err := parse(file, i, data)
		if err != nil {
			unread = append(unread, doc.syntax(err))
			continue
		}
		l.decode(doc)
	}
	for _, f := range l.found {
		l.broken[f.path] = true
	}
	l.check()
	problems, warnings := l.problems()
	if problems = append(unread, problems...); len(problems) > 0 {
		return nil, problems
	}
	l.cfg.Warnings = warnings
	l.cfg.blocks, l.cfg.Accounts = l.cfg.Accounts, l.members
	return l.cfg, nil
}

// confD lists the files to read from a folder that need not be there.
func confD(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var files []string
	for _, e := range entries {
		// Editors leave hidden files behind.
		if filepath.Ext(e.Name()) == ".toml" && !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, err
}

func readFile(path string) ([]byte, error) {
	data, err := readAtMost(path, maxFile)
	if err == nil && len(data) > maxFile {
		err = errors.New("is larger than 1 MiB: not a configuration")
	}
	return data, err
}

// readAtMost reads a file up to a byte more than most.
func readAtMost(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}

// plain drops from a file's error the operation and the path, which the reader knows.
func plain(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return err.Error()
}

// problem notes what is wrong with what is written at a path, or above it if
// nothing is. Of a value that could not even be decoded nothing more is said.
func (l *loader) problem(path, format string, args ...any) {
	if l.broken[path] {
		return
	}
	l.found = append(l.found, finding{l.placeOf(path), path, fmt.Sprintf(format, args...), false})
}

// keyProblem notes what is wrong with a key, whatever its value.
func (l *loader) keyProblem(path, message string) {
	at := l.placeOf(path)
	at.span.value = region{}
	l.found = append(l.found, finding{at, path, message, false})
}

func (l *loader) placeOf(path string) place {
	for {
		if p, ok := l.places[path]; ok {
			return p
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return place{doc: &document{file: l.cfg.Path}}
		}
		path = path[:i]
	}
}

// problems puts the findings in order and into words.
func (l *loader) problems() (problems, warnings Problems) {
	slices.SortStableFunc(l.found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.doc.order, b.doc.order), cmp.Compare(a.at().offset, b.at().offset))
	})
	for _, f := range l.found {
		p := Problem{File: f.doc.file, Key: l.label(f.path), Message: f.message}
		if at := f.at(); at.length > 0 {
			p.Row, p.Column, p.Excerpt = excerpt(f.doc.data, at.offset, at.length)
		}
		if f.warning {
			warnings = append(warnings, p)
		} else {
			problems = append(problems, p)
		}
	}
	return problems, warnings
}

// at is the value if it has a place, else the key.
func (p place) at() region {
	if p.span.value.length > 0 {
		return p.span.value
	}
	return p.span.key
}

// label is how people call a path: accounts by their names, elements by their list.
func (l *loader) label(path string) string {
	parts := strings.Split(path, ".")
	label := ""
	if len(parts) > 1 && parts[0] == "account" {
		i, _ := strconv.Atoi(parts[1])
		label = fmt.Sprintf("account %d", i+1)
		if i < len(l.cfg.Accounts) && l.cfg.Accounts[i].Name != "" {
			label = fmt.Sprintf("account %q", l.cfg.Accounts[i].Name)
		}
		if parts = parts[2:]; len(parts) == 0 && !l.alone {
			return label
		}
		label += ": "
		if l.alone {
			label = "" // there is no other
		}
	}
	if last := len(parts) - 1; last > 0 {
		if _, err := strconv.Atoi(parts[last]); err == nil {
			parts = parts[:last]
		}
	}
	return label + strings.Join(parts, ".")
}
