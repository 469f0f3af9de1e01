package e2e

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/lab"
)

const (
	hostPath      = "direct, from host to host"
	reflexivePath = "direct, through NAT"
	relayedPath   = "relayed"
)

func TestICE(t *testing.T) {
	l := start(t, "ice")
	playLesson(t, l, "ice")

	const strict, open, usual = "address-and-port-dependent/address-and-port-dependent",
		"endpoint-independent/endpoint-independent", "endpoint-independent/address-and-port-dependent"
	for _, tt := range []struct {
		peer, natA, natB        string
		path, local, remoteType string
	}{
		{"host-a2", usual, usual, hostPath, "host", "host"},
		{"host-a2", strict, strict, hostPath, "host", "host"},
		{"host-b", usual, usual, reflexivePath, "host", "srflx"},
		{"host-b", open, open, reflexivePath, "host", "srflx"},
		{"host-b", strict, open, reflexivePath, "host", "srflx"},
		{"host-b", open, strict, reflexivePath, "host", "prflx"},
		{"host-b", strict, strict, relayedPath, "", ""},
	} {
		t.Run(fmt.Sprintf("to %s, %s and %s", tt.peer, tt.natA, tt.natB), func(t *testing.T) {
			setNAT(t, l, "nat-a", tt.natA)
			setNAT(t, l, "nat-b", tt.natB)
			before := relayedBytes(t, l)
			call := call(t, l, tt.peer)
			assert.Equal(t, tt.path, only(t, call, "path").text("path"))
			chosen := only(t, call, "chosen")
			if tt.local != "" {
				assert.Equal(t, tt.local, chosen.text("local_type"))
				assert.Equal(t, tt.remoteType, chosen.text("remote_type"))
			}
			carried := relayedBytes(t, l) - before
			if tt.path == relayedPath {
				assert.Greater(t, carried, 2*callBytes, "the relay carries both directions")
			} else {
				// What it did carry are the checks of the relayed pairs.
				assert.Less(t, carried, callBytes/2, "no packet of the conversation goes by the relay")
			}
		})
	}
}

func setNAT(t *testing.T, l *lab.Lab, node, kind string) {
	t.Helper()
	mapping, filtering, _ := strings.Cut(kind, "/")
	r, err := l.Node(node).Exec(t.Context(), "router", "set", "--mapping", mapping, "--filtering", filtering)
	require.NoError(t, err)
	require.Zero(t, r.ExitCode, r.Output)
}

// callBytes is how many bytes host-a says in a call: far more than all checks.
const callBytes = 100 * 1000

// call has host-a call another host, and returns what host-a prints.
func call(t *testing.T, l *lab.Lab, peer string) (all []event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	common := []string{"ice", "--signal", "198.18.15.11:7200", "--token", t.Name(), "--turn", "198.18.15.20:3478", "--timeout", "20s"}
	var g errgroup.Group
	g.Go(func() error {
		r, err := l.Node(peer).Exec(ctx, append(append([]string{"client"}, common...), "--user", "bob", "--password", "builder")...)
		if err == nil && r.ExitCode != 0 {
			err = fmt.Errorf("%s: %s", peer, r.Output)
		}
		return err
	})
	argv := append(common, "--user", "alice", "--password", "wonderland")
	for i := range 100 {
		argv = append(argv, "--say", fmt.Sprintf("%03d%s", i, strings.Repeat("x", callBytes/100-3)))
	}
	all, exit := events(t, l, "host-a", argv...)
	require.NoError(t, g.Wait())
	require.Zero(t, exit, "%v", all)
	return all
}

var ended = regexp.MustCompile(`(?m)^ended .* datagrams? \((\d+) bytes?\) to peers, .* datagrams? \((\d+) bytes?\) to the client`)

// relayedBytes is how much the relay has carried, once no allocation is left.
func relayedBytes(t *testing.T, l *lab.Lab) (sum int) {
	t.Helper()
	var log bytes.Buffer
	require.Eventually(t, func() bool {
		log.Reset()
		err := l.Node("relay").Logs(t.Context(), &log, false)
		return err == nil && strings.Count(log.String(), "\nallocated ") == strings.Count(log.String(), "\nended ")
	}, logLimit, 20*time.Millisecond, "an allocation is left")
	for _, m := range ended.FindAllStringSubmatch(log.String(), -1) {
		for _, n := range m[1:] {
			bytes, err := strconv.Atoi(n)
			require.NoError(t, err)
			sum += bytes
		}
	}
	return sum
}
