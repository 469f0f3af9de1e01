package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

// lastWord ends a capture: a datagram of it to the node that is watched.
const lastWord = "the capture ends here"

// A tap is a capture in a node's network namespace.
type tap struct {
	t      *testing.T
	helper string
	lines  *bufio.Scanner
}

// watch begins to capture every packet that passes helper, and returns when it does.
func watch(t *testing.T, l *lab.Lab, helper string) *tap {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), conversationLimit)
	out, in := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := l.Node(helper).Stream(ctx, lab.Streams{Stdout: in}, "client", "--log", "json", "capture", "--tcp", "--udp", "--icmp")
		in.CloseWithError(err)
	}()
	t.Cleanup(func() {
		cancel()
		out.Close()
		<-done
	})
	w := &tap{t, helper, bufio.NewScanner(out)}
	w.lines.Buffer(nil, 1<<20)
	for w.next().name() != "ready" {
	}
	return w
}

func (w *tap) next() event {
	w.t.Helper()
	require.True(w.t, w.lines.Scan(), "the capture of %s ended: %v", w.helper, w.lines.Err())
	var e event
	require.NoError(w.t, json.Unmarshal(w.lines.Bytes(), &e), "%s", w.lines.Text())
	return e
}

// packets says the last word, from node to the address that is watched, and returns
// what was captured before it.
func (w *tap) packets(l *lab.Lab, node, addr string) (all []event) {
	w.t.Helper()
	// That nobody listens there does not matter.
	_, err := l.Node(node).Exec(w.t.Context(), "client", "sink", "--udp", addr+":9", lastWord)
	require.NoError(w.t, err)
	for {
		e := w.next()
		if e.name() != "packet" {
			continue
		}
		if strings.Contains(e.text("payload"), lastWord) {
			return all
		}
		all = append(all, e)
	}
}

// carrying returns those of the packets that carry text.
func carrying(packets []event, text string) (found []event) {
	for _, p := range packets {
		if strings.Contains(p.text("payload"), text) {
			found = append(found, p)
		}
	}
	return found
}
