// Command testreport reads the output of `go test -json` and prints what a
// person wants to know: the packages, the output of what failed, what was
// skipped and why, and a closing line of counts.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

func main() {
	failed, err := report(os.Stdin, os.Stdout, os.Getenv("KITH_REQUIRE_SERVERS") != "")
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// report prints the summary and tells whether the run is to count as failed.
// With strict, a skipped test is a failure.
func report(in io.Reader, out io.Writer, strict bool) (failed bool, err error) {
	output := map[string][]string{} // by package and test
	var passed, failures int
	var skipped []string
	lines := bufio.NewReader(in)
	for {
		line, readErr := lines.ReadBytes('\n')
		var e event
		switch {
		case len(line) == 0:
		case json.Unmarshal(line, &e) != nil:
			fmt.Fprintf(out, "%s", line) // the go command's own words
		default:
			key := e.Package + " " + e.Test
			switch e.Action {
			case "build-output": // of no test: what does not compile
				fmt.Fprint(out, e.Output)
			case "output":
				output[key] = append(output[key], e.Output)
			case "pass", "fail", "skip":
				switch {
				case e.Test == "" && e.Action != "skip":
					fmt.Fprintf(out, "%-4s %s (%.1fs)\n", e.Action, e.Package, e.Elapsed)
				case e.Action == "pass":
					passed++
				case e.Action == "skip" && e.Test != "":
					skipped = append(skipped, key+": "+why(output[key]))
				}
				if e.Action == "fail" {
					failures++
					for _, text := range output[key] {
						fmt.Fprint(out, "     ", text)
					}
				}
				delete(output, key)
			}
		}
		if readErr == io.EOF {
			break
		}
		if readErr != nil {
			return true, readErr
		}
	}
	if len(skipped) > 0 {
		slices.Sort(skipped)
		fmt.Fprintln(out, "\nCould not be run here:")
		for _, s := range skipped {
			fmt.Fprintln(out, "  "+s)
		}
		fmt.Fprintln(out)
	}
	if strict {
		failures += len(skipped)
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", passed, failures, len(skipped))
	return failures > 0, nil
}

// why finds the reason in the output of a skipped test.
func why(output []string) string {
	for _, text := range slices.Backward(output) {
		text = strings.TrimSpace(text)
		if text == "" || strings.HasPrefix(text, "---") || strings.HasPrefix(text, "===") {
			continue
		}
		return text
	}
	return "no reason given"
}
