package cluster

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"
)

func TestRepeats(t *testing.T) {
	// I26
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	log := slog.New(&repeats{Handler: slog.NewTextHandler(&out, nil), now: func() time.Time { return now }})
	for range 25 * 60 { // 25 minutes
		log.Error("fetch", "err", "connection refused")
		log.Info("daily business")
		now = now.Add(time.Second)
	}
	log.Warn("something else")
	failures{log}.HandleError(context.Background(), &rivertype.JobRow{Kind: "kith_poll"}, errors.New("reset"))
	failures{log}.HandlePanic(context.Background(), &rivertype.JobRow{Kind: "kith_poll"}, "a secret", "")

	var got []string
	for line := range strings.Lines(out.String()) {
		_, line, _ = strings.Cut(line, " ") // the time
		got = append(got, strings.TrimSpace(line))
	}
	want := []string{
		`level=ERROR msg=fetch err="connection refused"`,
		`level=ERROR msg=fetch err="connection refused" times=600`,
		`level=ERROR msg=fetch err="connection refused" times=600`,
		`level=WARN msg="something else"`,
		`level=ERROR msg="a job failed; its work is due again soon" job=kith_poll err=reset`,
		`level=ERROR msg="a job crashed; its work is due again soon" job=kith_poll panic=String`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the log is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
