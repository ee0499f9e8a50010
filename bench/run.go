// Bench measures kith on a mailbox of 120,000 messages on a real Dovecot, and
// compares it with a client that only fetches the same data (bench/bare):
//
//	go run ./bench [-messages 120000] [-small 10000] [-large 10000000] [-runs 3] [-dir DIR]
//
// It prints the medians of the wall time, the processor time and the peak
// memory of each command (of PostgreSQL itself, nothing), with the register in
// SQLite and in PostgreSQL; then how long queries take in a register of
// ten million interactions. It needs the folder of server scripts
// ($KITH_SERVERS, or ../shared/servers beside the module's root), and must be run
// from the module's root. The mailbox is made once and kept in -dir.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir := flag.String("dir", filepath.Join(os.TempDir(), "kith-bench"), "where mailboxes are kept")
	messages := flag.Int("messages", 120_000, "messages of the mailbox")
	small := flag.Int("small", 10_000, "messages of a second, small mailbox, for the memory; 0: none")
	runs := flag.Int("runs", 3, "times that each command is run")
	large := flag.Int("large", 10_000_000, "interactions of a large register in PostgreSQL, for its queries; 0: none")
	bareOnly := flag.Bool("bare", false, "measure the bare fetch alone, without kith")
	flag.Parse()
	if *messages < 1 || *small < 0 || *large < 0 || *runs < 1 || flag.NArg() > 0 {
		return errors.New("want a positive number of -messages and -runs")
	}
	root, err := filepath.Abs(*dir)
	if err != nil {
		return err
	}
	b := &bench{dir: root, bin: filepath.Join(root, "bin"), runs: *runs, bareOnly: *bareOnly}
	if err := b.build(ctx); err != nil {
		return err
	}
	fmt.Printf("%d processors, %s, medians of %d\n", runtime.NumCPU(), runtime.Version(), *runs)
	for _, n := range []int{*messages, *small} {
		if n == 0 {
			continue
		}
		rows, err := b.measure(ctx, n)
		if err != nil {
			return fmt.Errorf("%d messages: %w", n, err)
		}
		fmt.Printf("\n%d messages\n", n)
		table(rows)
	}
	if *large > 0 && !*bareOnly {
		return b.measureLarge(ctx, *large)
	}
	return nil
}

// bench is one run of the benchmark.
type bench struct {
	dir      string
	bin      string // of the programs
	runs     int
	bareOnly bool
}

func (b *bench) build(ctx context.Context) error {
	packages := []string{"./bench/bare", "./bench/mailbox"}
	if !b.bareOnly {
		packages = append(packages, "./cmd/kith")
	}
	if err := os.MkdirAll(b.bin, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-trimpath", "-o", b.bin + "/"}, packages...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// row is a line of the result.
type row struct {
	name  string
	cost  cost
	bound *cost  // what it is compared with
	note  string // what it found
}

// measure runs everything on one mailbox.
func (b *bench) measure(ctx context.Context, messages int) ([]row, error) {
	server, err := b.startServer(ctx, messages)
	if err != nil {
		return nil, err
	}
	defer server.stop()

	if err := server.forget(); err != nil {
		return nil, err
	}
	cold, err := b.repeat(ctx, 1, nil, server.bare("all"))
	if err != nil {
		return nil, err
	}
	all, err := b.repeat(ctx, b.runs, nil, server.bare("all"))
	if err != nil {
		return nil, err
	}
	none, err := b.repeat(ctx, b.runs, nil, server.bare("none"))
	if err != nil {
		return nil, err
	}
	rows := []row{
		{name: "bare fetch, server without index", cost: cold, note: cold.output},
		{name: "bare fetch", cost: all, note: all.output},
		{name: "bare fetch of nothing", cost: none, note: none.output},
	}
	if b.bareOnly {
		return rows, nil
	}
	embedded, err := b.measureKith(ctx, "SQLite", server, nil, all, none)
	if err != nil {
		return nil, err
	}
	pg, err := b.startPostgres(ctx, "postgres")
	if err != nil {
		return nil, err
	}
	defer pg.stop()
	shared, err := b.measureKith(ctx, "PostgreSQL", server, pg, all, none)
	return slices.Concat(rows, embedded, shared), err
}

// measureKith runs kith on a mailbox that the server has an index of. Its register is
// in PostgreSQL if there is a server for that.
func (b *bench) measureKith(ctx context.Context, database string, server *server, pg *postgres, all, none cost) ([]row, error) {
	if err := server.takeBack(); err != nil {
		return nil, err
	}
	if _, err := once(ctx, server.bare("all")); err != nil { // so that the server knows
		return nil, err
	}
	k, err := newInstallation(filepath.Join(b.bin, "kith"), server, pg)
	if err != nil {
		return nil, err
	}
	defer k.remove()

	contacts, err := b.repeat(ctx, b.runs, k.emptyDatabase, k.command("contacts", "import", server.contacts))
	if err != nil {
		return nil, err
	}
	fill := func(ctx context.Context) error {
		if err := k.emptyDatabase(ctx); err != nil {
			return err
		}
		_, err := once(ctx, k.command("contacts", "import", server.contacts))
		return err
	}
	first, err := b.repeat(ctx, b.runs, fill, k.command("sync"))
	if err != nil {
		return nil, err
	}
	captured, err := k.outcomes(ctx)
	if err != nil {
		return nil, err
	}
	if captured.all() != server.messages {
		return nil, fmt.Errorf("kith tells of %d messages (%s), but there are %d", captured.all(), captured, server.messages)
	}
	again, err := b.repeat(ctx, b.runs, nil, k.command("sync"))
	if err != nil {
		return nil, err
	}
	const fresh = 100
	delivered, err := b.repeat(ctx, b.runs, func(ctx context.Context) error { return server.deliver(ctx, fresh) }, k.command("sync"))
	if err != nil {
		return nil, err
	}
	later, err := k.outcomes(ctx)
	if err != nil {
		return nil, err
	}
	if want := captured.all() + fresh*b.runs; later.all() != want {
		return nil, fmt.Errorf("after %d deliveries kith tells of %d messages (%s), want %d", b.runs, later.all(), later, want)
	}
	rows := []row{
		{name: database + ": contacts import", cost: contacts},
		{name: database + ": first sync", cost: first, bound: &all, note: captured.String()},
		{name: database + ": sync, nothing new", cost: again, bound: &none},
		{name: fmt.Sprintf("%s: sync, %d new", database, fresh), cost: delivered, bound: &none},
	}
	if pg == nil {
		return rows, nil
	}
	before, err := pg.written(ctx, "kith")
	if err != nil {
		return nil, err
	}
	replay, err := b.repeat(ctx, b.runs, nil, k.command("sync", "--full"))
	if err != nil {
		return nil, err
	}
	after, err := pg.written(ctx, "kith")
	if err != nil {
		return nil, err
	}
	return append(rows, row{name: database + ": sync --full of what is known", cost: replay, bound: &all,
		note: fmt.Sprintf("%d rows of interactions written", after-before)}), nil
}

func table(rows []row) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\twall s\tCPU s\tpeak MB\t× bare\t")
	for _, r := range rows {
		ratio := ""
		if r.bound != nil {
			ratio = fmt.Sprintf("%.2f", r.cost.wall.Seconds()/r.bound.wall.Seconds())
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.0f\t%s\t%s\n", r.name, r.cost.wall.Seconds(), r.cost.cpu.Seconds(), float64(r.cost.peak)/(1<<20), ratio, r.note)
	}
	_ = w.Flush() // a terminal that is gone reads no error either
}
