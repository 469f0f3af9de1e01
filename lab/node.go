package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// A Node is a running end node, router or relay of a lab.
type Node struct {
	lab  *Lab
	name string
}

// Node returns the node called name. A name that the lab does not have is
// reported by the first verb used on it, so that a test reads straight on.
func (l *Lab) Node(name string) *Node { return &Node{lab: l, name: name} }

// Name returns the node's name in the Compose file.
func (n *Node) Name() string { return n.name }

// container is the node's container in the engine.
func (n *Node) container() (string, error) {
	if _, err := n.lab.topology.Node(n.name); err != nil {
		return "", err
	}
	return n.lab.topology.containerName(n.name), nil
}

// A Result is what a program that ran in a node left.
type Result struct {
	// Stdout and Stderr are what it wrote to each; Output is both, in the
	// order in which they arrived.
	Stdout, Stderr, Output string
	// ExitCode is its exit status, 128 + N if signal N ended it.
	ExitCode int
}

// Exec runs argv in the node, without a shell, and returns what it printed and
// its exit status. The error says that it could not be run or watched to its
// end; a status other than 0 is no error. When ctx ends, Exec returns and the
// program is left to the node.
func (n *Node) Exec(ctx context.Context, argv ...string) (Result, error) {
	var stdout, stderr, both bytes.Buffer
	code, err := n.Stream(ctx, Streams{
		Stdout: io.MultiWriter(&stdout, &both),
		Stderr: io.MultiWriter(&stderr, &both),
	}, argv...)
	return Result{Stdout: stdout.String(), Stderr: stderr.String(), Output: both.String(), ExitCode: code}, err
}

// Streams connect a program in a node with its caller. Nil means nothing is
// read and what is written is dropped.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// TTY gives the program a terminal; Stdout then carries everything.
	TTY bool
	// Resize receives the terminal's sizes while the program runs.
	Resize <-chan Size
}

// A Size is a terminal's, in characters.
type Size struct{ Rows, Columns uint }

// Stream is Exec with the program's input and output connected while it runs.
func (n *Node) Stream(ctx context.Context, s Streams, argv ...string) (exitCode int, err error) {
	id, err := n.container()
	if err != nil {
		return -1, err
	}
	code, err := n.lab.engine.exec(ctx, id, s, argv)
	if err != nil {
		return -1, fmt.Errorf("run %q in node %s: %w", argv, n.name, err)
	}
	return code, nil
}

// Logs copies what the node's own program has printed to w; with follow it goes
// on until the node ends or ctx does, which is then no error.
func (n *Node) Logs(ctx context.Context, w io.Writer, follow bool) error {
	id, err := n.container()
	if err != nil {
		return err
	}
	logs, err := n.lab.engine.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: follow})
	if err != nil {
		return fmt.Errorf("read the log of node %s: %w", n.name, err)
	}
	defer logs.Close()
	if _, err := stdcopy.StdCopy(w, w, logs); err != nil && ctx.Err() == nil {
		return fmt.Errorf("read the log of node %s: %w", n.name, err)
	}
	return nil
}

// act does something to the node's container; doing is for its error.
func (n *Node) act(doing string, do func(id string) error) error {
	id, err := n.container()
	if err != nil {
		return err
	}
	if err := do(id); err != nil {
		return fmt.Errorf("%s node %s: %w", doing, n.name, err)
	}
	return nil
}

// Kill sends a signal ("SIGKILL" if empty) to the node's program.
func (n *Node) Kill(ctx context.Context, signal string) error {
	return n.act("kill", func(id string) error {
		_, err := n.lab.engine.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: signal})
		return err
	})
}

// Restart stops the node's program at once and starts it anew, with the same
// addresses, and returns when it is ready again.
func (n *Node) Restart(ctx context.Context) error {
	id, err := n.container()
	if err != nil {
		return err
	}
	spec, err := n.lab.topology.Node(n.name)
	if err != nil {
		return err
	}
	return n.lab.engine.restart(ctx, n.name, id, spec.readiness())
}

// StartedAt returns when the node's program was last started.
func (n *Node) StartedAt(ctx context.Context) (time.Time, error) {
	id, err := n.container()
	if err != nil {
		return time.Time{}, err
	}
	inspected, err := n.lab.engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return time.Time{}, fmt.Errorf("inspect node %s: %w", n.name, err)
	}
	at, err := time.Parse(time.RFC3339Nano, inspected.Container.State.StartedAt)
	if err != nil {
		return time.Time{}, fmt.Errorf("node %s: when it was started: %w", n.name, err)
	}
	return at, nil
}

// Pause freezes the node: it keeps its connections and answers nothing.
func (n *Node) Pause(ctx context.Context) error {
	return n.act("pause", func(id string) error {
		_, err := n.lab.engine.ContainerPause(ctx, id, client.ContainerPauseOptions{})
		return err
	})
}

// Unpause lets a paused node go on.
func (n *Node) Unpause(ctx context.Context) error {
	return n.act("unpause", func(id string) error {
		_, err := n.lab.engine.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
		return err
	})
}

// Cut pulls the node's cable out of a network.
func (n *Node) Cut(ctx context.Context, network string) error {
	spec, err := n.lab.topology.Network(network)
	if err != nil {
		return err
	}
	return n.act("cut from network "+network, func(id string) error {
		_, err := n.lab.engine.NetworkDisconnect(ctx, spec.config.Name, client.NetworkDisconnectOptions{Container: id})
		return err
	})
}

// Join plugs the node into one of its networks again, at the same address.
func (n *Node) Join(ctx context.Context, network string) error {
	spec, err := n.lab.topology.Network(network)
	if err != nil {
		return err
	}
	node, err := n.lab.topology.Node(n.name)
	if err != nil {
		return err
	}
	return n.act("join to network "+network, func(id string) error {
		_, err := n.lab.engine.NetworkConnect(ctx, spec.config.Name, client.NetworkConnectOptions{Container: id, EndpointConfig: node.endpointSettings(network)})
		return err
	})
}
