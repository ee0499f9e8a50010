package sqlite_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"kith"
	"kith/store"
	"kith/store/sqlite"
)

// How many rows one batch of captureForever has.
const perBatch = 50

// captureForever is what the processes do that the tests start: they open the
// database, migrate it, and record batch after batch until they are killed or
// beaten. A line goes out for each batch.
func captureForever(path string) int {
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for n := 0; ; n++ {
		rec := kith.Recording{Account: "a", Stream: "s", Base: kith.Cursor(strconv.Itoa(n)), Next: kith.Cursor(strconv.Itoa(n + 1)), At: t0}
		if n == 0 {
			rec.Base = ""
		}
		for m := range perBatch {
			c := captured(n*perBatch+m, []kith.ID{{}})
			c.Links = nil
			rec.Captured = append(rec.Captured, c)
		}
		if _, err := s.Record(ctx, rec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(n)
	}
}

func process(t *testing.T, path string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "KITH_TEST_CAPTURE="+path)
	return cmd
}

func TestKilled(t *testing.T) {
	for _, after := range []int{0, 1, 7} {
		t.Run(fmt.Sprintf("D14 I06 kill -9 after %d batches", after), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kith.db")
			cmd := process(t, path)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != strconv.Itoa(after); {
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil {
				t.Error("it ended by itself")
			}

			s := openAt(t, path, sqlite.Options{})
			status, err := s.Stream(ctx, "a", "s")
			if err != nil {
				t.Fatal(err)
			}
			batches, err := strconv.Atoi(string(status.Cursor))
			if err != nil || batches <= after {
				t.Fatalf("cursor %q, %v; want more than %d", status.Cursor, err, after)
			}
			if n, err := s.CountInteractions(ctx, store.Filter{}); err != nil || n != batches*perBatch {
				t.Errorf("%d interactions after %d batches, %v; want %d", n, batches, err, batches*perBatch)
			}
			checkTables(t, path)
		})
	}
}

func TestTwoProcesses(t *testing.T) {
	t.Run("I21 D15 two programs start at once: one migrates, one records", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "kith.db")
		const programs = 3
		var mu sync.Mutex
		var wg sync.WaitGroup
		failures := make(chan string, programs)
		var cmds []*exec.Cmd
		for range programs {
			cmd := process(t, path)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			wg.Go(func() {
				err := cmd.Start()
				mu.Lock()
				cmds = append(cmds, cmd)
				mu.Unlock()
				if err == nil {
					err = cmd.Wait()
				}
				failures <- fmt.Sprint(err, " ", stderr.String())
			})
		}
		// Whoever loses the first race for a cursor ends by itself; the winner goes on.
		for range programs - 1 {
			if failure := <-failures; !strings.Contains(failure, kith.ErrStaleCursor.Error()) {
				t.Errorf("a program ended with %s", failure)
			}
		}
		mu.Lock()
		for _, cmd := range cmds {
			if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Error(err)
			}
		}
		mu.Unlock()
		wg.Wait()
		s := openAt(t, path, sqlite.Options{})
		if have, want, err := s.Schema(ctx); err != nil || have != want {
			t.Errorf("schema %d of %d, %v", have, want, err)
		}
		checkTables(t, path)
	})
}
