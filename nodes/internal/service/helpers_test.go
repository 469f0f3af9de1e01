package service

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// limit ends what hangs in a test.
const limit = 10 * time.Second

// running is a Server that serves.
type running struct {
	*Server
	log  *nodetest.Log
	stop func() error // ends it and returns what Serve did
}

// run serves services, given as on the command line, until the test ends.
func run(t *testing.T, opt Options, args ...string) *running {
	t.Helper()
	return runSpecs(t, opt, specs(t, args...))
}

func runSpecs(t *testing.T, opt Options, specs []Spec) *running {
	t.Helper()
	log := &nodetest.Log{}
	ctx, cancel := context.WithCancel(node.With(context.Background(), node.NewEvents(log, node.Text)))
	s, err := Listen(ctx, specs, opt)
	if err != nil {
		cancel()
	}
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stop := func() error {
		cancel()
		err := <-done
		done <- err
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return &running{Server: s, log: log, stop: stop}
}

func specs(t *testing.T, args ...string) []Spec {
	t.Helper()
	specs, err := All.parse(args, All.handlers(pflag.NewFlagSet("", pflag.ContinueOnError)))
	require.NoError(t, err)
	return specs
}

// addr returns where the server listens with the given name, "echo tcp".
func (r *running) addr(t *testing.T, name string) string {
	t.Helper()
	for _, a := range r.Addrs() {
		if addr, ok := strings.CutPrefix(a, name+" "); ok {
			return addr
		}
	}
	require.Fail(t, "not served", name)
	return ""
}

// dial connects to what the server listens on with the given name.
func (r *running) dial(t *testing.T, name string) net.Conn {
	t.Helper()
	_, transport, _ := strings.Cut(name, " ")
	c, err := net.Dial(transport, r.addr(t, name))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(limit)))
	return c
}

// runWith is run for services with flags of their own.
func runWith(t *testing.T, flags []string, args ...string) *running {
	t.Helper()
	return runSpecs(t, Options{}, specsWith(t, flags, args...))
}

func specsWith(t *testing.T, flags []string, args ...string) []Spec {
	t.Helper()
	set := newFlags()
	handlers := All.handlers(set)
	require.NoError(t, set.Parse(flags))
	specs, err := All.parse(args, handlers)
	require.NoError(t, err)
	return specs
}

// runIdle is runWith with an idle limit.
func runIdle(t *testing.T, idle time.Duration, flags []string, args ...string) *running {
	t.Helper()
	return runSpecs(t, Options{Idle: idle}, specsWith(t, flags, args...))
}

func newFlags() *pflag.FlagSet {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	return set
}
