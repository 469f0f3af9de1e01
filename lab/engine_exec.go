package lab

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
)

// exec runs argv in a container and returns its exit status.
func (e engine) exec(ctx context.Context, container string, s Streams, argv []string) (int, error) {
	created, err := e.ExecCreate(ctx, container, client.ExecCreateOptions{
		Cmd: argv, AttachStdin: s.Stdin != nil, AttachStdout: true, AttachStderr: true, TTY: s.TTY,
	})
	if err != nil {
		return -1, err
	}
	begun := time.Now().Add(-time.Second) // the engine's clock is this machine's, its events carry whole nanoseconds
	attached, err := e.ExecAttach(ctx, created.ID, client.ExecAttachOptions{TTY: s.TTY})
	if err != nil {
		return -1, err
	}
	defer attached.Close()
	// A read on the connection knows no context: closing it ends the read.
	stop := context.AfterFunc(ctx, attached.Close)
	defer stop()
	if s.Stdin != nil {
		go feed(attached.HijackedResponse, s.Stdin)
	}
	if s.Resize != nil {
		done := make(chan struct{})
		defer close(done)
		go e.resize(ctx, created.ID, s.Resize, done)
	}
	if err := demultiplex(s, attached.Reader); err != nil {
		if ctx.Err() != nil {
			return -1, context.Cause(ctx)
		}
		return -1, fmt.Errorf("read its output: %w", err)
	}
	if ctx.Err() != nil {
		return -1, context.Cause(ctx)
	}
	return e.exitCode(ctx, container, created.ID, begun)
}

func demultiplex(s Streams, r io.Reader) error {
	stdout, stderr := s.Stdout, s.Stderr
	if stdout == nil {
		stdout = io.Discard
	}
	if stderr == nil {
		stderr = io.Discard
	}
	var err error
	if s.TTY {
		_, err = io.Copy(stdout, r)
	} else {
		_, err = stdcopy.StdCopy(stdout, stderr, r)
	}
	return err
}

// feed copies the caller's input until either side ends. It is left behind
// when the caller's input has no end: a read of a terminal cannot be cut off.
func feed(conn client.HijackedResponse, stdin io.Reader) {
	// An error here means that the program has gone; its status tells.
	if _, err := io.Copy(conn.Conn, stdin); err == nil {
		conn.CloseWrite()
	}
}

func (e engine) resize(ctx context.Context, id string, sizes <-chan Size, done <-chan struct{}) {
	for {
		select {
		case size := <-sizes:
			// A size that does not arrive leaves a wrong line break, no more.
			e.ExecResize(ctx, id, client.ExecResizeOptions{Height: size.Rows, Width: size.Columns})
		case <-done:
			return
		}
	}
}

// exitCode returns the status of an exec whose output has ended. The engine
// may notice the end of the process a moment after that of its output; its
// event says when it has, and is replayed if it came before we asked.
func (e engine) exitCode(ctx context.Context, container, id string, begun time.Time) (int, error) {
	state, err := e.ExecInspect(ctx, id, client.ExecInspectOptions{})
	if err != nil {
		return -1, fmt.Errorf("ask for its exit status: %w", err)
	}
	if !state.Running {
		return state.ExitCode, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream := e.Events(ctx, client.EventsListOptions{
		Since:   strconv.FormatInt(begun.Unix(), 10),
		Filters: make(client.Filters).Add("container", container).Add("event", string(events.ActionExecDie)),
	})
	for {
		select {
		case m := <-stream.Messages:
			if m.Actor.Attributes["execID"] != id {
				continue
			}
			code, err := strconv.Atoi(m.Actor.Attributes["exitCode"])
			if err != nil {
				return -1, fmt.Errorf("read its exit status: %w", err)
			}
			return code, nil
		case err := <-stream.Err:
			return -1, fmt.Errorf("wait for its exit status: %w", err)
		}
	}
}

// restart starts a container anew and waits until it is ready again; what it
// said before its restart does not count.
func (e engine) restart(ctx context.Context, node, id string, r readiness) error {
	before, err := e.logSize(ctx, id)
	if err != nil {
		return fmt.Errorf("restart node %s: %w", node, err)
	}
	now := 0
	if _, err := e.ContainerRestart(ctx, id, client.ContainerRestartOptions{Timeout: &now}); err != nil {
		return fmt.Errorf("restart node %s: %w", node, err)
	}
	return e.awaitReadyAfter(ctx, node, id, r, before)
}

// logSize counts the lines that a container has printed so far.
func (e engine) logSize(ctx context.Context, id string) (int, error) {
	logs, err := e.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return 0, err
	}
	defer logs.Close()
	var lines lineCounter
	_, err = stdcopy.StdCopy(&lines, &lines, logs)
	return int(lines), err
}

type lineCounter int

func (c *lineCounter) Write(p []byte) (int, error) {
	for _, b := range p {
		if b == '\n' {
			*c++
		}
	}
	return len(p), nil
}
