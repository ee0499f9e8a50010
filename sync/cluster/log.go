package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// repeats is a handler that passes on a message that comes again and again once in
// a while, with how often it came. River tells of every try while the
// database is away.
type repeats struct {
	slog.Handler
	now func() time.Time

	mu   sync.Mutex
	seen map[string]*repeat
}

type repeat struct {
	told  time.Time
	times int
}

// quietFor is how long a message is not told again.
const quietFor = 10 * time.Minute

// Enabled leaves out what River says of its daily business.
func (h *repeats) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h *repeats) Handle(ctx context.Context, record slog.Record) error {
	h.mu.Lock()
	now := h.now()
	r := h.seen[record.Message]
	if r == nil {
		if h.seen == nil {
			h.seen = map[string]*repeat{}
		}
		r = &repeat{}
		h.seen[record.Message] = r
	}
	if r.times++; !r.told.IsZero() && now.Sub(r.told) < quietFor {
		h.mu.Unlock()
		return nil
	}
	if r.times > 1 {
		record = record.Clone()
		record.AddAttrs(slog.Int("times", r.times))
	}
	r.told, r.times = now, 0
	h.mu.Unlock()
	return h.Handler.Handle(ctx, record)
}

// WithAttrs and WithGroup give away the counting, which River's few long-lived
// loggers share: it does not use them.
func (h *repeats) WithAttrs(attrs []slog.Attr) slog.Handler { return h.Handler.WithAttrs(attrs) }

// WithGroup: see WithAttrs.
func (h *repeats) WithGroup(name string) slog.Handler { return h.Handler.WithGroup(name) }

// failures logs jobs that failed: River only notes them in their rows.
type failures struct{ log *slog.Logger }

// HandleError implements [river.ErrorHandler].
func (f failures) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "a job failed; its work is due again soon", "job", job.Kind, "err", err)
	return nil
}

// HandlePanic implements [river.ErrorHandler].
func (f failures) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, _ string) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "a job crashed; its work is due again soon", "job", job.Kind, "panic", slog.AnyValue(value).Kind())
	return nil
}
