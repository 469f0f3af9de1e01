package client

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// start runs client beside the test, and returns what it prints and how to end it.
func start(args ...string) (out *nodetest.Log, end func() int) {
	out = &nodetest.Log{}
	ctx, cancel := context.WithCancel(context.Background())
	status := make(chan int, 1)
	go func() { status <- node.Run(ctx, Command(), args, out, io.Discard) }()
	return out, func() int {
		cancel()
		return <-status
	}
}

func TestHold(t *testing.T) {
	server := serve(t, "menu="+servicesIP)
	many, endMany := start("hold", servicesIP+":8009", "--count", "20")
	many.Wait(t, "\n")
	assert.Equal(t, "ready      20 connections to "+servicesIP+":8009\n", many.String())
	port := nodetest.FreePort(t)
	one, endOne := start("hold", servicesIP+":8009", "--bind", fmt.Sprintf("127.0.0.102:%d", port))
	one.Wait(t, "\n")
	assert.Equal(t, fmt.Sprintf("ready      127.0.0.102:%d -> %s:8009\n", port, servicesIP), one.String())
	server.Wait(t, fmt.Sprintf("sent       127.0.0.102:%d ", port))
	assert.Eventually(t, func() bool { return strings.Count(server.String(), "accepted ") == 21 }, limit, time.Millisecond)
	assert.NotContains(t, server.String(), "closed ", "all are held at once")
	assert.Zero(t, endMany())
	assert.Zero(t, endOne())
	server.Wait(t, fmt.Sprintf("closed     127.0.0.102:%d ", port))
}

// A connection is told from others by both ends: the same pair of them twice cannot be.
func TestHeldTwice(t *testing.T) {
	serve(t, "menu="+servicesIP)
	source := fmt.Sprintf("127.0.0.102:%d", nodetest.FreePort(t))
	out, end := start("hold", servicesIP+":8009", "--bind", source)
	defer end()
	out.Wait(t, "ready")
	got := call(t, "menu", servicesIP+":8009", "--bind", source, "0")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "client: connect: EADDRNOTAVAIL (99) cannot assign requested address: "+servicesIP+":8009 after 0.00 s (there is a connection from port ")
}

func TestHoldErrors(t *testing.T) {
	got := call(t, "hold", closedPort(t), "--count", "3")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "client: connect: ECONNREFUSED (111)")
	for args, want := range map[string]string{
		"--count 0":       "--count 0: must be from 1 to 10000",
		"x":               `["x"]: hold says nothing`,
		"--observe after": "--observe after: hold has no after; choose first or no",
	} {
		got := call(t, append([]string{"hold", servicesIP + ":8009"}, strings.Fields(args)...)...)
		assert.Equal(t, 2, got.status, args)
		assert.Equal(t, "client: "+want+" (see: client hold --help)\n", got.stderr)
	}
}
