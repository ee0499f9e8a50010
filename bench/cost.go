package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cost is what a command took.
type cost struct {
	wall   time.Duration
	cpu    time.Duration // user and system
	peak   int64         // resident bytes. At least those of this program, whose memory the child shares until it executes
	output string        // what it printed, of the last run
}

// command makes a fresh command for each run.
type command func(ctx context.Context) *exec.Cmd

// once runs a command.
func once(ctx context.Context, command command) (cost, error) {
	cmd := command(ctx)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, tail(stderr.String()))
	}
	c := cost{
		wall: time.Since(begin), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		output: strings.TrimSpace(stdout.String()),
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = usage.Maxrss << 10 // Linux counts in kilobytes
	}
	return c, nil
}

// repeat runs a command some times, each after prepare, and returns the medians.
func (b *bench) repeat(ctx context.Context, times int, prepare func(context.Context) error, command command) (cost, error) {
	var costs []cost
	for range times {
		if prepare != nil {
			if err := prepare(ctx); err != nil {
				return cost{}, err
			}
		}
		c, err := once(ctx, command)
		if err != nil {
			return cost{}, err
		}
		costs = append(costs, c)
	}
	return cost{
		wall:   median(costs, func(c cost) time.Duration { return c.wall }),
		cpu:    median(costs, func(c cost) time.Duration { return c.cpu }),
		peak:   median(costs, func(c cost) int64 { return c.peak }),
		output: costs[times-1].output,
	}, nil
}

func median[T cmp.Ordered](costs []cost, of func(cost) T) T {
	values := make([]T, len(costs))
	for i, c := range costs {
		values[i] = of(c)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func tail(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
