package ice

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/rules"
	"github.com/crosslan/crosslan/nodes/internal/turn"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// startTURN starts a TURN server on this machine, whose clients may reach this machine.
func startTURN(t *testing.T) (server netip.AddrPort, log *nodetest.Log) {
	t.Helper()
	c := turn.DefaultConfig()
	c.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}
	c.Users = turn.NewUsers(turn.DefaultRealm)
	require.NoError(t, c.Users.Add("alice:wonderland"))
	for _, p := range []string{"127.0.0.0/8", "0.0.0.0/1", "128.0.0.0/1"} {
		r, err := rules.Parse(true, p)
		require.NoError(t, err)
		c.Peers.Rules = append(c.Peers.Rules, r)
	}
	log = &nodetest.Log{}
	s, err := turn.Listen(context.Background(), c, node.NewEvents(log, node.Text))
	require.NoError(t, err)
	nodetest.Serve(context.Background(), t, s.Serve)
	return s.Addrs()[0], log
}

// newAgent is an agent that asks server.
func newAgent(t *testing.T, c Config) *Agent {
	t.Helper()
	c.GatherLimit = time.Second
	// An engine on this machine has a NAT of its own between its bridge and the rest.
	c.hosts = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	a, err := New(c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.Close()) })
	return a
}

func withTURN(server netip.AddrPort) Config {
	return Config{TURN: []TURN{{Server: server, User: "alice", Password: "wonderland"}}}
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// talk sends text over a and wants it at b, and back.
func talk(t *testing.T, a, b net.Conn) {
	t.Helper()
	buf := make([]byte, 100)
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		_, err := way[0].Write([]byte("hello"))
		require.NoError(t, err)
		require.NoError(t, way[1].SetReadDeadline(time.Now().Add(patience)))
		n, err := way[1].Read(buf)
		require.NoError(t, err)
		assert.Equal(t, "hello", string(buf[:n]))
	}
}

// connect connects two agents of ours.
func connect(t *testing.T, a, b *Agent) (paths [2]string) {
	t.Helper()
	ctx := limited(t)
	var descriptions [2]Description
	var conns [2]*ice.Conn
	var g errgroup.Group
	for i, agent := range []*Agent{a, b} {
		g.Go(func() (err error) {
			descriptions[i], err = agent.Gather(ctx)
			return err
		})
	}
	require.NoError(t, g.Wait())
	for i, agent := range []*Agent{a, b} {
		g.Go(func() error {
			c, pair, err := agent.Connect(ctx, descriptions[1-i], i == 0)
			if err != nil {
				return err
			}
			conns[i], paths[i] = c, pathOf(localEnd(pair.Local), agent.remoteEnd(pair.Remote))
			return nil
		})
	}
	require.NoError(t, g.Wait())
	talk(t, conns[0], conns[1])
	return paths
}

func TestTwoAgentsOfOneHost(t *testing.T) {
	server, _ := startTURN(t)
	a, b := newAgent(t, withTURN(server)), newAgent(t, withTURN(server))
	assert.Equal(t, [2]string{hostPath, hostPath}, connect(t, a, b))
	var types []string
	for _, c := range a.local {
		types = append(types, c.Type().String())
	}
	assert.Contains(t, types, "relay")
	answered := 0
	for _, c := range a.checks() {
		if c.roundTrip > 0 {
			answered++
		}
	}
	assert.NotZero(t, answered)
}

func TestRelayOnly(t *testing.T) {
	server, log := startTURN(t)
	c := withTURN(server)
	c.RelayOnly = true
	a, b := newAgent(t, c), newAgent(t, c)
	assert.Equal(t, [2]string{relayedPath, relayedPath}, connect(t, a, b))
	for _, c := range append(a.local, b.local...) {
		assert.Equal(t, ice.CandidateTypeRelay, c.Type())
	}
	assert.Equal(t, 2, strings.Count(log.String(), "allocated "))
}

func TestRelayOverTCP(t *testing.T) {
	server, log := startTURN(t)
	c := withTURN(server)
	c.RelayOnly, c.TURN[0].TCP = true, true
	assert.Equal(t, [2]string{relayedPath, relayedPath}, connect(t, newAgent(t, c), newAgent(t, withTURN(server))))
	assert.Contains(t, log.String(), "at tcp ")
}

// A peer that is nothing of ours: an agent of pion/ice with its own sockets.
func TestAForeignPeer(t *testing.T) {
	server, _ := startTURN(t)
	for _, leads := range []bool{true, false} {
		ours := newAgent(t, withTURN(server))
		theirs, err := ice.NewAgentWithOptions(ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4}),
			ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled), ice.WithIncludeLoopback(),
			ice.WithUrls([]*stun.URI{{Scheme: stun.SchemeTypeTURN, Host: server.Addr().String(), Port: int(server.Port()), Proto: stun.ProtoTypeUDP, Username: "alice", Password: "wonderland"}}))
		require.NoError(t, err)
		t.Cleanup(func() { _ = theirs.Close() })
		ctx := limited(t)

		own, err := ours.Gather(ctx)
		require.NoError(t, err)
		gathered := make(chan struct{})
		require.NoError(t, theirs.OnCandidate(func(c ice.Candidate) {
			if c == nil {
				close(gathered)
			}
		}))
		require.NoError(t, theirs.GatherCandidates())
		<-gathered
		var d Description
		d.Ufrag, d.Password, err = theirs.GetLocalUserCredentials()
		require.NoError(t, err)
		all, err := theirs.GetLocalCandidates()
		require.NoError(t, err)
		for _, c := range all {
			d.Candidates = append(d.Candidates, c.Marshal())
		}
		for _, s := range own.Candidates {
			c, err := ice.UnmarshalCandidate(s)
			require.NoError(t, err)
			require.NoError(t, theirs.AddRemoteCandidate(c))
		}
		var g errgroup.Group
		var c1, c2 *ice.Conn
		g.Go(func() (err error) {
			begin := theirs.Accept
			if !leads {
				begin = theirs.Dial
			}
			c1, err = begin(ctx, own.Ufrag, own.Password)
			return err
		})
		g.Go(func() (err error) {
			c2, _, err = ours.Connect(ctx, d, leads)
			return err
		})
		require.NoError(t, g.Wait())
		talk(t, c1, c2)
	}
}

var description = Description{Ufrag: "abcd", Password: strings.Repeat("p", 22), Candidates: []string{"1 1 udp 1 10.15.1.10 9 typ host"}}

// exchangeBoth has two ends tell each other the description.
func exchangeBoth(t *testing.T, a, b *signal) (errs [2]error, got Description) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := b.exchange(t.Context(), description)
		done <- err
	}()
	got, errs[0] = a.exchange(t.Context(), description)
	a.Close()
	errs[1] = <-done
	return errs, got
}

func TestSignalling(t *testing.T) {
	key, other := make([]byte, 32), append(make([]byte, 31), 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	for name, tt := range map[string]struct {
		keyA, keyB []byte
		ok         bool
	}{
		"one token":  {key, key, true},
		"two tokens": {key, other, false},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			defer x.Close()
			y, err := l.Accept()
			require.NoError(t, err)
			defer y.Close()
			a, err := newSignal(x, tt.keyA, true)
			require.NoError(t, err)
			b, err := newSignal(y, tt.keyB, false)
			require.NoError(t, err)
			errs, got := exchangeBoth(t, a, b)
			if tt.ok {
				require.NoError(t, errs[0])
				require.NoError(t, errs[1])
				assert.Equal(t, description, got)
			} else {
				require.ErrorContains(t, errs[0], "not sealed under the token")
				require.ErrorContains(t, errs[1], "not sealed under the token")
			}
		})
	}
}

func TestBadDescriptions(t *testing.T) {
	many := make([]string, maxCandidates+1)
	for name, change := range map[string]func(*Description){
		"no ufrag":            func(d *Description) { d.Ufrag = "" },
		"a long ufrag":        func(d *Description) { d.Ufrag = strings.Repeat("u", 257) },
		"a short password":    func(d *Description) { d.Password = "short" },
		"too many candidates": func(d *Description) { d.Candidates = many },
		"a long candidate":    func(d *Description) { d.Candidates = []string{strings.Repeat("c", maxCandidate+1)} },
	} {
		t.Run(name, func(t *testing.T) {
			d := description
			change(&d)
			b, err := json.Marshal(d)
			require.NoError(t, err)
			_, err = parseDescription(b)
			require.ErrorContains(t, err, "the peer's description: ")
		})
	}
	_, err := parseDescription([]byte("{"))
	require.Error(t, err)
	_, err = readSealed(strings.NewReader("\x00\x01\x00\x00"))
	require.ErrorContains(t, err, "65536 bytes")

	a := newAgent(t, Config{})
	_, err = a.Gather(limited(t))
	require.NoError(t, err)
	for _, c := range []string{"", "nonsense", "1 1 udp 1 999.1.1.1 9 typ host", "1 1 tcp 1 10.15.1.10 9 typ host tcptype passive", "1 1 udp 1 somebody.local 9 typ host"} {
		d := description
		d.Candidates = []string{c}
		_, _, err := a.Connect(limited(t), d, true)
		require.Error(t, err, c)
	}
}

func FuzzDescription(f *testing.F) {
	b, err := json.Marshal(description)
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte(`{"ufrag":"abcd","password":"0123456789012345678901","candidates":["1 1 udp 1 10.15.1.10 9 typ srflx raddr 1.2.3.4 rport 5"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDescription(b)
		if err != nil {
			return
		}
		for _, s := range d.Candidates {
			if c, err := parseCandidate(s); err == nil {
				_ = endOf(c).String() + localEnd(c).String()
			}
		}
	})
}
