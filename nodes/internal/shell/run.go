package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Limits bound one command.
type Limits struct {
	Time   time.Duration // how long it may run
	Output int           // how many bytes it may print, on both outputs together
}

// Result is what a command printed.
type Result struct {
	Stdout, Stderr []byte
	Status         int    // its exit status; 0 is success
	Cut            string // why it was ended, or "" if it ended by itself
}

// commandEnv is the environment of all commands.
var commandEnv = []string{"PATH=/bin", "HOME=/"}

// self is this program, whatever it is called and wherever it is.
const self = "/proc/self/exe"

// Run runs one command line and waits for its end. An error is that it could not
// be run; that it failed is a status.
func Run(ctx context.Context, command string, l Limits) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Time)
	defer cancel()
	budget := &budget{left: l.Output, spent: cancel}
	stdout, stderr := &output{budget: budget}, &output{budget: budget}
	cmd := exec.CommandContext(ctx, self, Name, "--seconds", strconv.Itoa(seconds(l.Time)), "-c", command)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = slices.Concat(processEnv, commandEnv)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if ctx.Err() != nil && !budget.exceeded() && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Result{}, context.Cause(ctx)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		return Result{}, fmt.Errorf("start the shell: %w", err)
	}
	r := Result{Stdout: stdout.bytes(), Stderr: stderr.bytes(), Status: cmd.ProcessState.ExitCode()}
	switch {
	case budget.exceeded():
		r.Cut = fmt.Sprintf("more than %d bytes of output", l.Output)
	case ctx.Err() != nil:
		r.Cut = fmt.Sprintf("still running after %v", l.Time)
	case r.Status < 0: // by the kernel's signal
		r.Cut = fmt.Sprintf("more than %v of processor time", l.Time)
	case r.Status == statusFatal && bytes.Contains(r.Stderr, []byte(fatal)):
		r.Cut = fmt.Sprintf("more than %d MiB of memory", memoryLimit>>20)
		r.Stderr, _, _ = bytes.Cut(r.Stderr, []byte(fatal))
	}
	return r, nil
}

// How the Go runtime of the process ends when it gets no more memory.
const (
	statusFatal = 2
	fatal       = "fatal error: "
)

// seconds rounds d up, for the limit of processor time.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
