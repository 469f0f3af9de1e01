package names

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// limit ends what hangs in a test.
const limit = 10 * time.Second

// serve answers datagrams on loopback until the test ends, and TCP connections on the
// same port if tcp is not nil. What answer returns is sent.
func serve(t *testing.T, answer func(query []byte) [][]byte, tcp func(query []byte) []byte) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	pc, err := net.ListenPacket("udp4", l.Addr().String())
	require.NoError(t, err)
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		b := make([]byte, MaxTCP)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			for _, a := range answer(b[:n]) {
				if _, err := pc.WriteTo(a, from); err != nil {
					return
				}
			}
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for tcp != nil {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if b, err := ReadPrefixed(c); err == nil {
				_, _ = c.Write(Prefix(tcp(b)))
			}
			c.Close()
		}
	}()
	t.Cleanup(func() {
		assert.NoError(t, pc.Close())
		assert.NoError(t, l.Close())
		<-done
		<-done
	})
	return pc.LocalAddr().String()
}

// serveZone answers from a zone.
func serveZone(t *testing.T, z *Zone) string {
	t.Helper()
	from := func(limit int) func(b []byte) []byte {
		return func(b []byte) []byte {
			r, ok := z.Answer(b, limit)
			assert.True(t, ok)
			return r.Message
		}
	}
	return serve(t, func(b []byte) [][]byte { return [][]byte{from(MaxUDP)(b)} }, from(MaxTCP))
}

// outcome is what a run of client did.
type outcome struct {
	status         int
	stdout, stderr string
}

// call runs client resolve. Ports that the kernel chose are a star.
func call(t *testing.T, args ...string) outcome {
	t.Helper()
	cmd := &cobra.Command{Use: "client"}
	cmd.AddCommand(Command())
	return run(t, func(ctx context.Context, stdout, stderr io.Writer) int {
		return node.Run(ctx, cmd, append([]string{"resolve"}, args...), stdout, stderr)
	})
}

// resolveWith runs the command with other files than this host's.
func resolveWith(t *testing.T, name, hosts, conf string) outcome {
	t.Helper()
	dir := t.TempDir()
	r := resolve{name: name, hosts: filepath.Join(dir, "hosts"), conf: filepath.Join(dir, "resolv.conf"), types: both.types()}
	require.NoError(t, os.WriteFile(r.hosts, []byte(hosts), 0o600))
	require.NoError(t, os.WriteFile(r.conf, []byte(conf), 0o600))
	cmd := &cobra.Command{Use: "client", RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context()) }}
	o := run(t, func(ctx context.Context, stdout, stderr io.Writer) int {
		return node.Run(ctx, cmd, nil, stdout, stderr)
	})
	o.stdout = strings.ReplaceAll(o.stdout, dir, "/etc")
	return o
}

func run(t *testing.T, f func(ctx context.Context, stdout, stderr io.Writer) int) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var stdout, stderr nodetest.Log
	status := f(ctx, &stdout, &stderr)
	require.NoError(t, ctx.Err(), "it hung")
	ports := regexp.MustCompile(`(127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|10\.45\.1\.10):[1-9][0-9]*`)
	return outcome{status, ports.ReplaceAllString(stdout.String(), "$1:*"), ports.ReplaceAllString(stderr.String(), "$1:*")}
}
