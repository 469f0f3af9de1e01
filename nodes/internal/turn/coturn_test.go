package turn

import (
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// A client and a peer that reach each other only by a relay between them, which does
// not forward.
type lab struct{ client, relay, peer *nstest.Namespace }

const (
	clientAddr  = "10.13.1.10"
	relayInside = "10.13.1.20"
	relayBeyond = "10.13.2.20"
	peerAddr    = "10.13.2.10"
)

func newLab(tb testing.TB) lab {
	tb.Helper()
	l := lab{nstest.New(tb), nstest.New(tb), nstest.New(tb)}
	nstest.Link(tb, l.client, "wan", clientAddr+"/24", l.relay, "in", relayInside+"/24")
	nstest.Link(tb, l.relay, "out", relayBeyond+"/24", l.peer, "wan", peerAddr+"/24")
	// The relayed address is one of the inside: the peer answers there.
	l.peer.Route(tb, "10.13.1.0/24", relayBeyond)
	return l
}

// start starts a program in a namespace and returns what it prints.
func start(tb testing.TB, in *nstest.Namespace, cmd *exec.Cmd) *nodetest.Log {
	tb.Helper()
	log := &nodetest.Log{}
	cmd.Stdout = log
	if cmd.Stderr == nil {
		cmd.Stderr = log
	}
	in.Start(tb, cmd)
	return log
}

// startPeer starts coturn's echoing peer.
func (l lab) startPeer(t *testing.T) {
	t.Helper()
	start(t, l.peer, exec.Command(nodetest.Foreign(t, "turnutils_peer", "coturn"), "-L", peerAddr, "-p", "3480"))
	// It says nothing; it is there when it answers.
	var c net.Conn
	require.NoError(t, l.peer.Do(func() (err error) {
		c, err = net.Dial("udp", peerAddr+":3480")
		return err
	}))
	defer c.Close()
	b := make([]byte, 10)
	require.Eventually(t, func() bool {
		_ = c.SetDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = c.Write([]byte("?"))
		n, err := c.Read(b)
		return err == nil && n > 0
	}, patience, 10*time.Millisecond)
}

func TestCoturnsClientAtOurServer(t *testing.T) {
	uclient := nodetest.Foreign(t, "turnutils_uclient", "coturn")
	l := newLab(t)
	l.startPeer(t)
	log := start(t, l.relay, program(t, "relay", "turn", "--user", "alice:wonderland", "--secret", "north"))
	log.Wait(t, "ready")
	for _, tt := range []struct{ name, args string }{
		{"udp, channels", "-u alice -w wonderland"},
		{"udp, send indications", "-u alice -w wonderland -s"},
		{"tcp, channels", "-u alice -w wonderland -t"},
		{"tcp, send indications", "-u alice -w wonderland -t -s"},
		{"udp, no second port", "-u alice -w wonderland -c"},
		{"udp, shared secret", "-u someone -W north"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append(strings.Fields(tt.args), "-e", peerAddr, "-r", "3480", "-n", "5", "-m", "2", "-l", "500", "-z", "5", relayInside)
			cmd := exec.Command(uclient, args...)
			var out nodetest.Log
			cmd.Stdout, cmd.Stderr = &out, &out
			l.client.Start(t, cmd)
			require.NoError(t, cmd.Wait(), "%v\n%s\n%s", args, out.String(), log.String())
			assert.Regexp(t, `Total lost packets 0 `, out.String())
			assert.Regexp(t, `tot_send_msgs=[1-9]\d*, tot_recv_msgs=[1-9]`, out.String())
		})
	}
	assert.Contains(t, log.String(), "released by the client")
}

func TestOurClientAtCoturnsServer(t *testing.T) {
	turnserver := nodetest.Foreign(t, "turnserver", "coturn")
	l := newLab(t)
	l.startPeer(t)
	log := start(t, l.relay, exec.Command(turnserver, "-n", "--log-file=stdout", "--lt-cred-mech", "--user=alice:wonderland",
		"--realm=coturn.test", "--listening-ip="+relayInside, "--relay-ip="+relayBeyond, "--no-tls", "--no-dtls", "--no-cli", "--pidfile="+t.TempDir()+"/pid"))
	server := netip.MustParseAddrPort(relayInside + ":3478")
	echo := netip.MustParseAddrPort(peerAddr + ":3480")
	both(t, func(t *testing.T, tcp bool) {
		var c *Client
		require.Eventually(t, func() bool { // TCP: when it listens
			return l.client.Do(func() (err error) {
				c, err = Dial(t.Context(), ClientConfig{Server: server, User: "alice", Password: "wonderland", TCP: tcp})
				return err
			}) == nil
		}, patience, 50*time.Millisecond, log)
		defer c.Close()
		var g Granted
		require.Eventually(t, func() (ok bool) {
			var err error
			g, err = c.Allocate(t.Context(), 10*time.Minute)
			if err != nil {
				t.Log(err)
			}
			return err == nil
		}, patience, 50*time.Millisecond, log)
		assert.Equal(t, relayBeyond, g.Relayed.Addr().String())
		assert.Equal(t, c.LocalAddr(), g.Observed)
		require.NoError(t, c.Permit(t.Context(), echo))
		_, err := c.Send(echo, []byte("by indication"))
		require.NoError(t, err)
		assert.Equal(t, Datagram{Peer: echo, Data: []byte("by indication")}, receive(t, c))
		require.NoError(t, c.Bind(t.Context(), 0x4000, echo))
		_, err = c.Send(echo, []byte("by channel"))
		require.NoError(t, err)
		assert.Equal(t, Datagram{Peer: echo, Data: []byte("by channel"), Channel: 0x4000}, receive(t, c))
		lifetime, err := c.Refresh(t.Context(), 20*time.Minute)
		require.NoError(t, err)
		assert.Equal(t, 20*time.Minute, lifetime)
		require.NoError(t, c.Release(t.Context()))
	})
	wrong := l.clientAt(t, ClientConfig{Server: server, User: "alice", Password: "looking glass"})
	_, err := wrong.Allocate(t.Context(), 0)
	require.ErrorContains(t, err, "401")
}

// clientAt is a client in the client's namespace.
func (l lab) clientAt(t *testing.T, c ClientConfig) *Client {
	t.Helper()
	var cl *Client
	require.NoError(t, l.client.Do(func() (err error) {
		cl, err = Dial(t.Context(), c)
		return err
	}))
	t.Cleanup(cl.Close)
	return cl
}
