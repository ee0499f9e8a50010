// Command contacts measures how long a large file of contacts takes to import, once
// and once more, how long the addresses of many messages take to be matched
// against them, and duplicates to be found, and the memory of each; beside what the
// database alone takes for as much.
//
//	go run ./bench/contacts                              a new SQLite database
//	go run ./bench/contacts -database postgres://…       an empty database on a server
//	go run ./bench/contacts -file people.csv -make       only writes the file
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"kith"
	"kith/store/postgres"
	"kith/store/sqlite"
)

// What is asked for: seconds and MiB.
const (
	importSeconds, importMemory = 60, 200
	matchSeconds, matchMemory   = 3, 80

	duplicatesSeconds, duplicatesMemory = 30, 1024
)

type bench struct {
	database string
	dir      string
	file     string
	kith     string

	contacts, matched, batch   int
	vcard, onlyMake, onlyMatch bool
}

func main() {
	var b bench
	flag.StringVar(&b.database, "database", "", "postgres://… of an empty database; else a new SQLite database")
	flag.StringVar(&b.dir, "dir", "", "folder for what is made; else a temporary one")
	flag.StringVar(&b.file, "file", "", "the file to import; it is made if it is not there")
	flag.StringVar(&b.kith, "kith", "", "the program; else it is built")
	flag.IntVar(&b.contacts, "contacts", 1_000_000, "how many contacts there are; three in ten have two addresses")
	flag.IntVar(&b.matched, "match", 240_000, "how many addresses are matched; every second is known")
	flag.IntVar(&b.batch, "batch", 1000, "how many of them at once")
	flag.BoolVar(&b.vcard, "vcard", false, "as vCards instead of CSV")
	flag.BoolVar(&b.onlyMake, "make", false, "only make the file")
	flag.BoolVar(&b.onlyMatch, "matching", false, "only match against the database, which is there")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "contacts:", err)
		os.Exit(1) //nolint:gocritic // the context is of no use any more
	}
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.onlyMatch {
		return b.matchAll(ctx)
	}
	if b.dir == "" {
		if b.dir, err = os.MkdirTemp("", "kith-contacts-"); err != nil {
			return err
		}
		defer os.RemoveAll(b.dir) //nolint:errcheck // the system clears temporary folders too
	}
	if b.file == "" {
		b.file = filepath.Join(b.dir, "people.csv")
		if b.vcard {
			b.file = filepath.Join(b.dir, "people.vcf")
		}
	}
	if _, err := os.Stat(b.file); errors.Is(err, os.ErrNotExist) {
		if err := b.makeFile(); err != nil {
			return err
		}
	}
	if b.onlyMake {
		return nil
	}
	if b.kith == "" {
		b.kith = filepath.Join(b.dir, "kith")
		if _, err := measure(ctx, "go", "build", "-o", b.kith, "./cmd/kith"); err != nil {
			return err
		}
	}
	if b.database == "" {
		b.database = "sqlite://" + filepath.Join(b.dir, "kith.db")
	}
	config := filepath.Join(b.dir, "kith.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "database = %q\n", b.database), 0o600); err != nil {
		return err
	}
	if !b.vcard {
		began := time.Now()
		if err := b.bareInsert(ctx); err != nil {
			return fmt.Errorf("bare inserts: %w", err)
		}
		fmt.Printf("%-12s  %6.1f s           of the lines, into one table with one index\n", "bare inserts", time.Since(began).Seconds())
	}
	for _, what := range []string{"import", "import again"} {
		cost, err := measure(ctx, b.kith, "--config", config, "contacts", "import", b.file)
		if err != nil {
			return err
		}
		cost.print(what, importSeconds, importMemory)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cost, err := measure(ctx, self, "-matching", "-database", b.database, "-contacts", fmt.Sprint(b.contacts), "-match", fmt.Sprint(b.matched), "-batch", fmt.Sprint(b.batch))
	if err != nil {
		return err
	}
	cost.print("match", matchSeconds, matchMemory)
	if cost, err = measure(ctx, b.kith, "--config", config, "contacts", "duplicates", "--limit", "1"); err != nil {
		return err
	}
	cost.print("duplicates", duplicatesSeconds, duplicatesMemory)
	return nil
}

// cost is what a program took.
type cost struct {
	took   time.Duration
	memory int64 // bytes, at its peak
	output string
}

func measure(ctx context.Context, name string, args ...string) (cost, error) {
	began := time.Now()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return cost{}, fmt.Errorf("%s %s: %w", filepath.Base(name), strings.Join(args, " "), err)
	}
	c := cost{took: time.Since(began), output: last(string(out))}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.memory = usage.Maxrss << 10 // on Linux
	}
	return c, nil
}

// last is the last line of a text.
func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func (c cost) print(what string, seconds, mebibytes float64) {
	fmt.Printf("%-12s  %6.1f s (< %.0f)  %6.1f MiB (< %.0f)  %s\n", what, c.took.Seconds(), seconds, float64(c.memory)/(1<<20), mebibytes, c.output)
}

func email(n int) string  { return fmt.Sprintf("person.number%d@client%d.test", n, n%20_000) }
func second(n int) string { return fmt.Sprintf("p%d@home.test", n) }

var syllables = strings.Fields("ba be bo da de do fa fe ga go ha ho ka ke ko la le lo ma me mo na ne no pa pe ra re ro sa se so ta te to va ve wa we zo")

// word is the n-th of many made-up words.
func word(n int) string {
	text := ""
	for range 4 {
		text += syllables[n%len(syllables)]
		n /= len(syllables)
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// makeFile writes the contacts: three in ten have a second address, one in two a phone.
func (b *bench) makeFile() (err error) {
	f, err := os.Create(b.file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	if !b.vcard {
		fmt.Fprintln(w, "external_id,type,name,first_name,last_name,company,email,phone,title,language,tags")
	}
	random := rand.New(rand.NewPCG(3, 4))
	for n := range b.contacts {
		emails, phone := []string{email(n)}, ""
		if n%10 < 3 {
			emails = append(emails, second(n))
		}
		if n%2 == 0 {
			phone = fmt.Sprintf("+322%08d", n)
		}
		first, last := word(random.IntN(5000)), word(random.IntN(100_000))
		if !b.vcard {
			fmt.Fprintf(w, "C%07d,person,%s %s,%[2]s,%[3]s,Company %d Ltd,%s,%s,Buyer,en,customer;region %d\n",
				n, first, last, n%20_000, strings.Join(emails, ";"), phone, n%50)
			continue
		}
		fmt.Fprintf(w, "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:C%07d\r\nFN:%s %s\r\nN:%[3]s;%[2]s;;;\r\nORG:Company %[4]d Ltd\r\nTITLE:Buyer\r\nLANG:en\r\nCATEGORIES:customer,region %[5]d\r\n", n, first, last, n%20_000, n%50)
		for _, e := range emails {
			fmt.Fprintf(w, "EMAIL:%s\r\n", e)
		}
		if phone != "" {
			fmt.Fprintf(w, "TEL:%s\r\n", phone)
		}
		fmt.Fprint(w, "END:VCARD\r\n")
	}
	return w.Flush()
}

// matchAll matches addresses, in batches, as capture does.
func (b *bench) matchAll(ctx context.Context) error {
	var s interface {
		MatchAddresses(ctx context.Context, addresses []string) (map[string][]kith.Match, error)
		Close() error
	}
	var err error
	if path, ok := strings.CutPrefix(b.database, "sqlite://"); ok {
		s, err = sqlite.Open(ctx, path, sqlite.Options{})
	} else {
		s, err = postgres.Open(ctx, b.database, postgres.Options{})
	}
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // it was only read
	random := rand.New(rand.NewPCG(1, 2))
	found, began := 0, time.Now()
	for left := b.matched; left > 0; left -= b.batch {
		batch := make([]string, min(b.batch, left))
		for i := range batch {
			n := random.IntN(b.contacts)
			switch {
			case i%2 == 0:
				batch[i] = fmt.Sprintf("stranger%d@other%d.test", n, n%999)
			case n%10 < 3:
				batch[i] = second(n)
			default:
				batch[i] = email(n)
			}
		}
		matches, err := s.MatchAddresses(ctx, batch)
		if err != nil {
			return err
		}
		found += len(matches)
	}
	took := time.Since(began)
	fmt.Printf("%d of %d addresses found in %.2f s, %d at once", found, b.matched, took.Seconds(), b.batch)
	if path, ok := strings.CutPrefix(b.database, "sqlite://"); ok {
		bare, err := b.bareLookUp(ctx, path)
		if err != nil {
			return fmt.Errorf("bare look-ups: %w", err)
		}
		fmt.Printf(", %.2f × bare look-ups one by one", took.Seconds()/bare.Seconds())
	}
	fmt.Println()
	return nil
}
