package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

// conversationLimit guards a server beside a test against hanging.
const conversationLimit = time.Minute

// A beside is a command that goes on in a node beside the test.
type beside struct {
	t     *testing.T
	node  string
	ready chan struct{} // closed when it has said that it is ready
	done  chan struct{} // closed when it has ended and the fields below are set

	all  []event
	exit int
	err  error
}

// begin starts a command of server in node, and returns when it is ready. It
// ends with the test at the latest.
func begin(t *testing.T, l *lab.Lab, node string, argv ...string) *beside {
	t.Helper()
	return beginProgram(t, l, node, "server", argv...)
}

// beginProgram is begin for any of our programs.
func beginProgram(t *testing.T, l *lab.Lab, node, program string, argv ...string) *beside {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), conversationLimit)
	b := &beside{t: t, node: node, ready: make(chan struct{}), done: make(chan struct{})}
	r, w := io.Pipe()
	read := make(chan struct{})
	go func() {
		defer close(read)
		b.read(r)
	}()
	go func() {
		defer close(b.done)
		var stderr strings.Builder
		b.exit, b.err = l.Node(node).Stream(ctx, lab.Streams{Stdout: w, Stderr: &stderr}, append([]string{program, "--log", "json"}, argv...)...)
		w.Close()
		<-read
		if b.exit != 0 {
			b.all = append(b.all, event{"event": "error", "text": strings.TrimSpace(stderr.String())})
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-b.done
	})
	select {
	case <-b.ready:
	case <-b.done:
		require.Fail(t, "ended before it was ready", "%s: %v %v", node, b.all, b.err)
	}
	return b
}

// read takes the events, to the end of the output.
func (b *beside) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var e event
		if !assert.NoError(b.t, json.Unmarshal(lines.Bytes(), &e), "%s", lines.Text()) {
			continue
		}
		b.all = append(b.all, e)
		if e.name() == "ready" {
			close(b.ready)
		}
	}
}

// wait waits for the command's end and returns what it printed, and its exit
// status.
func (b *beside) wait() (all []event, exitCode int) {
	b.t.Helper()
	<-b.done
	require.NoError(b.t, b.err, "%s", b.node)
	return b.all, b.exit
}

// calls are those of the events that are calls of that name, such as "recv".
func calls(all []event, name string) []event {
	return slices.DeleteFunc(slices.Clone(all), func(e event) bool { return e.name() != "call" || e.text("call") != name })
}

// results are what the calls of that name returned, such as "5 \"hello\"".
func results(all []event, name string) []string {
	var r []string
	for _, e := range calls(all, name) {
		r = append(r, e.text("result"))
	}
	return r
}
