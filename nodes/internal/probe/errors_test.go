package probe

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

// hasty measures on loopback, and waits for a second only.
func hasty(server string, udp, tcp bool) Options {
	return Options{Server: at(server), UDP: udp, TCP: tcp, Silence: 20 * time.Millisecond, patience: pace{time.Second}}
}

// answering is a UDP server that answers a Binding request with what is set.
func answering(t *testing.T, at string, set ...stun.Setter) {
	t.Helper()
	answeringTo(t, at, func(*stun.Message) bool { return true }, set...)
}

// answeringTo is one that answers what it wants to.
func answeringTo(t *testing.T, at string, wants func(*stun.Message) bool, set ...stun.Setter) {
	t.Helper()
	c, err := net.ListenPacket("udp4", at)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			m, err := stunserver.Parse(b[:n])
			if err != nil || !wants(m) {
				continue
			}
			a := addr.Of(from)
			seen := &stun.XORMappedAddress{IP: a.Addr().AsSlice(), Port: int(a.Port())}
			all := append([]stun.Setter{stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess, seen}, set...)
			_, _ = c.WriteTo(stun.MustBuild(all...).Raw, from)
		}
	}()
	t.Cleanup(func() {
		_ = c.Close()
		<-done
	})
}

func other(s string) stun.Setter {
	a := at(s)
	return &stun.OtherAddress{IP: a.Addr().AsSlice(), Port: int(a.Port())}
}

// listening is a TCP server that does something with each connection.
func listening(t *testing.T, at string, do func(net.Conn)) {
	t.Helper()
	l, err := net.Listen("tcp4", at)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			do(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
}

func TestServersOfNoUse(t *testing.T) {
	measure := func(o Options) error {
		_, err := Measure(t.Context(), o)
		return err
	}
	t.Run("nobody", func(t *testing.T) {
		assert.EqualError(t, measure(hasty("127.0.79.1:35001", true, false)),
			"recvfrom: ECONNREFUSED (111) connection refused: 127.0.79.1:35001 (no STUN server runs there)")
		assert.EqualError(t, measure(hasty("127.0.79.1:35001", false, true)),
			"connect: ECONNREFUSED (111) connection refused: 127.0.79.1:35001 (no STUN server runs there)")
	})
	t.Run("one address", func(t *testing.T) {
		answering(t, "127.0.79.1:35002")
		assert.ErrorContains(t, measure(hasty("127.0.79.1:35002", true, false)), "127.0.79.1:35002 has no second address")
	})
	t.Run("the other address is nowhere", func(t *testing.T) {
		plain := func(m *stun.Message) bool { return !m.Contains(stun.AttrChangeRequest) }
		answeringTo(t, "127.0.79.1:35003", plain, other("127.0.79.2:35004"))
		assert.EqualError(t, measure(hasty("127.0.79.1:35003", true, false)),
			"no answer from 127.0.79.2:35003 over UDP within 1s (an address that 127.0.79.1:35003 tells of: is it routed?)")
	})
	t.Run("pays no heed to CHANGE-REQUEST", func(t *testing.T) {
		for _, a := range []string{"127.0.79.1:35005", "127.0.79.2:35005", "127.0.79.2:35006"} {
			answering(t, a, other("127.0.79.2:35006"))
		}
		assert.ErrorContains(t, measure(hasty("127.0.79.1:35005", true, false)), "127.0.79.1:35005, asked to answer from ")
	})
	t.Run("refuses", func(t *testing.T) {
		answering(t, "127.0.79.1:35007", stun.BindingError, stun.CodeUnknownAttribute, stun.UnknownAttributes{0x7ffe})
		assert.EqualError(t, measure(hasty("127.0.79.1:35007", true, false)),
			"127.0.79.1:35007 refuses: 420 Unknown Attribute (0x7ffe)")
	})
	t.Run("silent", func(t *testing.T) {
		c, err := net.ListenPacket("udp4", "127.0.79.1:35008")
		require.NoError(t, err)
		defer c.Close()
		assert.EqualError(t, measure(hasty("127.0.79.1:35008", true, false)),
			"no answer from 127.0.79.1:35008 over UDP within 1s: is a STUN server there?")
	})
	t.Run("echo over TCP", func(t *testing.T) {
		listening(t, "127.0.79.1:35009", func(c net.Conn) { _, _ = io.CopyN(c, c, stunserver.HeaderSize) })
		assert.EqualError(t, measure(hasty("127.0.79.1:35009", false, true)), "127.0.79.1:35009 answers with a Binding request")
	})
	t.Run("not STUN over TCP", func(t *testing.T) {
		listening(t, "127.0.79.1:35010", func(c net.Conn) { _, _ = io.WriteString(c, "220 welcome to this mail server\r\n") })
		assert.EqualError(t, measure(hasty("127.0.79.1:35010", false, true)), "127.0.79.1:35010, instead of an answer: malformed: not a STUN header")
	})
	t.Run("hangs up", func(t *testing.T) {
		listening(t, "127.0.79.1:35011", func(c net.Conn) { _, _ = io.CopyN(io.Discard, c, stunserver.HeaderSize) })
		assert.EqualError(t, measure(hasty("127.0.79.1:35011", false, true)), "127.0.79.1:35011, instead of an answer: EOF")
	})
	t.Run("no RESPONSE-PORT", func(t *testing.T) {
		o := hasty("127.0.79.1:35012", true, false)
		answering(t, "127.0.79.1:35012")
		u := &udpProbe{Options: o, discovery: discovery{local: netip.MustParseAddr("127.0.0.1")}, inbox: newInbox(), quiet: pace{time.Second}}
		u.server = server{{o.Server}}
		u.Search = &Search{Max: time.Second}
		u.patience = pace{time.Second}
		_, err := u.search(t.Context())
		assert.EqualError(t, err, "127.0.79.1:35012 pays no heed to RESPONSE-PORT, without which a lifetime cannot be searched for")
	})
}

// Where one transport fails, the other is measured all the same.
func TestHalfAResult(t *testing.T) {
	var log nodetest.Log
	ctx := node.With(context.Background(), node.NewEvents(&log, node.Text))
	s, err := stunserver.Listen(ctx, stunserver.Config{Primary: at("127.0.79.1:35013"), Alternate: at("127.0.79.2:35014")})
	require.NoError(t, err)
	nodetest.Serve(ctx, t, s.Serve)
	// The port is taken that the TCP probe is to have.
	taken, err := net.Listen("tcp4", "127.0.79.3:35015")
	require.NoError(t, err)
	defer taken.Close()
	o := Options{Server: at("127.0.79.1:35013"), Local: at("127.0.79.3:35015"), UDP: true, TCP: true, Silence: time.Second}
	r, err := Measure(ctx, o)
	assert.EqualError(t, err, "bind: EADDRINUSE (98) address already in use: tcp 127.0.79.3:35015")
	require.NotNil(t, r.UDP)
	assert.False(t, r.UDP.NAT)
	assert.Equal(t, FilterEndpointIndependent, r.UDP.Filtering)
	assert.Nil(t, r.TCP)
}

// A probe ends when it is told to, whatever it waits for.
func TestCancel(t *testing.T) {
	c, err := net.ListenPacket("udp4", "127.0.79.1:35016")
	require.NoError(t, err)
	defer c.Close()
	l, err := net.Listen("tcp4", "127.0.79.1:35016")
	require.NoError(t, err)
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := Measure(ctx, Options{Server: at("127.0.79.1:35016"), UDP: true, TCP: true, Silence: time.Second})
		done <- err
	}()
	_, _, err = c.ReadFrom(make([]byte, 100)) // it waits for an answer
	require.NoError(t, err)
	cancel()
	assert.ErrorIs(t, <-done, context.Canceled)
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"":                                               "which STUN server? Give its address: client probe nat 198.18.7.10:3478",
		"198.18.7.10":                                    `"198.18.7.10" has no port; write 198.18.7.10:3478`,
		"198.18.7.10:3478 more":                          "which STUN server? Give its address: client probe nat 198.18.7.10:3478",
		"198.18.7.10:3478 --timeout 1ms":                 "--timeout 1ms: must be from 10ms to 1m",
		"198.18.7.10:3478 --bind x":                      `--bind "x" is not an address; write 10.1.1.10:4000, :4000, or [2001:db8::1]:4000`,
		"198.18.7.10:3478 --bind [::1]:4000":             "--bind ::1 cannot reach 198.18.7.10:3478: one is IPv4, the other IPv6",
		"198.18.7.10:3478 --max 1m":                      "--max is for --lifetime",
		"198.18.7.10:3478 --lifetime --tcp":              "--lifetime is for UDP, and --tcp leaves it out",
		"198.18.7.10:3478 --lifetime --max 1ms":          "--max 1ms: must be from 1s to 24h",
		"198.18.7.10:3478 --lifetime --resolution 1ms":   "--resolution 1ms: must be 100ms or more",
		"198.18.7.10:3478 --lifetime --resolution -1s":   "--resolution -1s: must be 100ms or more",
		"198.18.7.10:3478 --lifetime --max 1m --bind :x": `--bind ":x": port "x" is not a number from 0 to 65535`,
	} {
		root := &cobra.Command{Use: "client"}
		root.AddCommand(Command())
		var stdout, stderr nodetest.Log
		status := node.Run(t.Context(), root, append([]string{"probe", "nat"}, strings.Fields(args)...), &stdout, &stderr)
		assert.Equal(t, 2, status, args)
		assert.Empty(t, stdout.String())
		assert.Equal(t, "client: "+want+" (see: client probe nat --help)\n", stderr.String())
	}
}
