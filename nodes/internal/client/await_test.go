package client

import (
	"bytes"
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

func TestAwaitFindsAServerThatListens(t *testing.T) {
	serve(t, "echo="+echoAddr)
	for _, args := range [][]string{{"await", echoAddr}, {"await", "--udp", echoAddr}} {
		got := call(t, args...)
		assert.Equal(t, 0, got.status, got.stderr)
		assert.Regexp(t, `^listening  127\.0\.0\.101:50007 after 0\.\d\d s\n$`, got.stdout)
	}
}

func TestAwaitTriesAgain(t *testing.T) {
	server := closedPort(t)
	refused := call(t, "await", server, "--timeout", "0.15s")
	assert.Equal(t, 1, refused.status)
	assert.Regexp(t, `^client: nothing listens on 127\.0\.0\.1:\d+ within 0\.15 s \(--timeout\): last try: connect: ECONNREFUSED \(111\) connection refused: 127\.0\.0\.1:\d+ after 0\.0\d s\n$`, refused.stderr)

	var stdout nodetest.Log
	var stderr bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- node.Run(context.Background(), Command(), []string{"await", server}, &stdout, &stderr)
	}()
	l, err := net.Listen("tcp", server)
	require.NoError(t, err)
	defer l.Close()
	assert.Equal(t, 0, <-done, stderr.String())
	assert.Contains(t, stdout.String(), "listening  "+server)
}

func TestIdleIsReadyAndWaits(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var stdout nodetest.Log
	var stderr bytes.Buffer
	done := make(chan int, 1)
	go func() { done <- node.Run(ctx, Command(), []string{"idle"}, &stdout, &stderr) }()
	stdout.Wait(t, "ready      idle\n")
	cancel()
	assert.Equal(t, 0, <-done)
	assert.Empty(t, stderr.String())
}
