package main

import (
	"strings"
	"testing"
)

const passes = `{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":1.5}
`

func TestReport(t *testing.T) {
	for _, tt := range []struct {
		name   string
		in     string
		strict bool
		failed bool
		says   []string
	}{
		{"nothing ran", "", false, false, []string{"0 passed, 0 failed, 0 skipped"}},
		{"the go command's own words are passed on", "no such package\n", false, false, []string{"no such package"}},
		{"all pass", passes, true, false, []string{"pass p (1.5s)", "1 passed, 0 failed, 0 skipped"}},
		{"a failure shows its output", `{"Action":"output","Package":"p","Test":"TestB","Output":"    x_test.go:1: wrong\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
`, false, true, []string{"x_test.go:1: wrong", "0 passed, 1 failed, 0 skipped"}},
		{"a package that does not build", `{"ImportPath":"p","Action":"build-output","Output":"x.go:3: undefined: y\n"}
{"Action":"output","Package":"p","Output":"p [build failed]\n"}
{"Action":"fail","Package":"p","Elapsed":0}
`, false, true, []string{"x.go:3: undefined: y", "fail p", "[build failed]", "1 failed"}},
		{"a skip tells why", skipped, false, false, []string{"needs a server: set KITH_SERVERS", "0 passed, 0 failed, 1 skipped"}},
		{"a skip is a failure where servers are required", skipped, true, true, []string{"0 passed, 1 failed, 1 skipped"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			failed, err := report(strings.NewReader(tt.in), &out, tt.strict)
			if err != nil || failed != tt.failed {
				t.Errorf("failed = %v, %v; want %v", failed, err, tt.failed)
			}
			for _, want := range tt.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, out.String())
				}
			}
		})
	}
}

const skipped = `{"Action":"output","Package":"p","Test":"TestC","Output":"=== RUN   TestC\n"}
{"Action":"output","Package":"p","Test":"TestC","Output":"    x_test.go:1: needs a server: set KITH_SERVERS\n"}
{"Action":"output","Package":"p","Test":"TestC","Output":"--- SKIP: TestC (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestC"}
`
