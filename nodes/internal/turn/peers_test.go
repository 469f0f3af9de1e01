package turn

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/rules"
)

// forbidden are addresses that must never be peers, in every form.
var forbidden = []string{
	"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.250", "255.255.255.255", "169.254.169.254",
	"::ffff:127.0.0.1", "::ffff:0.0.0.0", "::ffff:224.0.0.1", "::ffff:169.254.169.254", "::ffff:255.255.255.255",
	"::1", "::", "::127.0.0.1", "::7f00:1", "fe80::1", "ff02::1", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
	"2002:7f00:1::", "2002:7f00:1::1",
}

// ownForms are the addresses of this machine, which is the relay's, in every form.
func ownForms(tb testing.TB) (forms []string) {
	tb.Helper()
	addrs, err := net.InterfaceAddrs()
	require.NoError(tb, err)
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		require.NoError(tb, err)
		ip := p.Addr().Unmap().WithZone("")
		forms = append(forms, ip.String())
		if ip.Is4() {
			forms = append(forms, "::ffff:"+ip.String(), "64:ff9b::"+ip.String())
		}
	}
	return forms
}

// The table: each address by each path, with real packets, of which every XOR-PEER-ADDRESS
// is of the family that the address is written in.
func TestForbiddenPeers(t *testing.T) {
	// What a relay would reach if it carried anything: it listens where the peers
	// of the table are, on this machine.
	trap, err := net.ListenUDP("udp", &net.UDPAddr{}) // every address, both families
	require.NoError(t, err)
	defer trap.Close()
	port := uint16(trap.LocalAddr().(*net.UDPAddr).Port)

	both(t, func(t *testing.T, tcp bool) {
		config := testConfig(t)
		config.Peers.Rules = nil
		s := startServer(t, config)
		for _, text := range append(ownForms(t), forbidden...) {
			t.Run(text, func(t *testing.T) {
				c, _ := s.alice(t, tcp)
				defer func() { require.NoError(t, c.Release(t.Context())) }()
				peer := netip.AddrPortFrom(netip.MustParseAddr(text), port)

				err := c.Permit(t.Context(), peer)
				require.ErrorContains(t, err, "CreatePermission: 403 Forbidden")
				// Among peers that may be, it is refused with all of them.
				err = c.Permit(t.Context(), netip.MustParseAddrPort("198.18.13.1:9"), peer)
				require.ErrorContains(t, err, "403")
				require.ErrorContains(t, c.Bind(t.Context(), 0x4000, peer), "ChannelBind: 403 Forbidden")

				// Without a permission, and without a channel.
				_, err = c.Send(peer, []byte("by indication"))
				require.NoError(t, err)
				c.numbers[peer], c.channels[0x4000] = 0x4000, peer
				_, err = c.Send(peer, []byte("by channel"))
				require.NoError(t, err)
			})
		}
		s.stop()
		assert.NotContains(t, s.log.String(), "permitted")
		assert.Contains(t, s.log.String(), ": 0 datagrams (0 bytes) to peers, 0 datagrams (0 bytes) to the client, 2 dropped, released by the client")
		assert.NotRegexp(t, `ended .*: [1-9]\d* datagram`, s.log.String())
	})
	require.NoError(t, trap.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	_, _, err = trap.ReadFrom(make([]byte, 100))
	require.ErrorContains(t, err, "timeout", "the relay has carried something to this machine")
}

// A permission for one form is none for another that a Send indication may try.
func TestFormsOfAPermittedPeer(t *testing.T) {
	config := testConfig(t)
	s := startServer(t, config)
	c, g := s.alice(t, false)
	h := newHost(t)
	require.NoError(t, c.Permit(t.Context(), netip.MustParseAddrPort("127.0.0.77:1")))
	for _, form := range []string{"127.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "::1"} {
		_, err := c.Send(netip.AddrPortFrom(netip.MustParseAddr(form), h.at().Port()), []byte("smuggled"))
		require.NoError(t, err)
	}
	// The mapped form of a permitted address is that address.
	require.NoError(t, c.Permit(t.Context(), netip.MustParseAddrPort("[::ffff:127.0.0.1]:1")))
	_, err := c.Send(netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), h.at().Port()), []byte("permitted"))
	require.NoError(t, err)
	h.receive("permitted", g.Relayed)
}

func TestRulesOfPeers(t *testing.T) {
	for name, tt := range map[string]struct {
		rules   string
		allow   bool
		peer    string
		refused bool
	}{
		"nothing is said":          {"", false, "10.0.0.1", false},
		"denied":                   {"10.0.0.0/8", false, "10.0.0.1", true},
		"denied, mapped":           {"10.0.0.0/8", false, "::ffff:10.0.0.1", true},
		"denied, another":          {"10.0.0.0/8", false, "11.0.0.1", false},
		"allowed, another":         {"10.0.0.0/8", true, "11.0.0.1", true},
		"allowed":                  {"10.0.0.0/8", true, "10.0.0.1", false},
		"everything, not loopback": {"0.0.0.0/0", true, "127.0.0.1", true},
	} {
		t.Run(name, func(t *testing.T) {
			config := testConfig(t)
			config.Peers.Rules = nil
			if tt.rules != "" {
				r, err := rules.Parse(tt.allow, tt.rules)
				require.NoError(t, err)
				config.Peers.Rules = []rules.Rule{r}
			}
			c, _ := startServer(t, config).alice(t, false)
			err := c.Permit(t.Context(), netip.AddrPortFrom(netip.MustParseAddr(tt.peer), 9))
			if tt.refused {
				require.ErrorContains(t, err, "403")
			} else {
				require.NoError(t, err)
			}
		})
	}
}

// ownAddress is an address of this machine that is not loopback.
func ownAddress(tb testing.TB) netip.Addr {
	tb.Helper()
	addrs, err := net.InterfaceAddrs()
	require.NoError(tb, err)
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && p.Addr().IsGlobalUnicast() {
			return p.Addr()
		}
	}
	tb.Fatal("this machine has no address but loopback")
	return netip.Addr{}
}

// Two clients of one relay talk at its own address; what else is there stays out of reach,
// also when a permission for that address exists.
func TestOwnAddressIsItsRelayedPorts(t *testing.T) {
	own := ownAddress(t)
	trap, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(own, 0)))
	require.NoError(t, err)
	defer trap.Close()
	elsewhere := netip.AddrPortFrom(own, uint16(trap.LocalAddr().(*net.UDPAddr).Port))

	both(t, func(t *testing.T, tcp bool) {
		config := testConfig(t)
		config.Peers.Rules = nil
		config.Listen = []netip.AddrPort{netip.AddrPortFrom(own, 0)}
		s := startServer(t, config)
		a, ga := s.alice(t, tcp)
		b, gb := s.alice(t, false)
		require.Equal(t, own, gb.Relayed.Addr())

		require.NoError(t, a.Permit(t.Context(), gb.Relayed))
		require.NoError(t, b.Permit(t.Context(), ga.Relayed))
		for _, peer := range []netip.AddrPort{elsewhere, s.Addrs()[0], netip.AddrPortFrom(own, 0)} {
			require.ErrorContains(t, a.Permit(t.Context(), peer), "403")
			require.ErrorContains(t, a.Bind(t.Context(), 0x4001, peer), "403")
			// The address is permitted, for the other client. This is not it.
			_, err := a.Send(peer, []byte("smuggled"))
			require.NoError(t, err)
		}
		_, err = a.Send(gb.Relayed, []byte("by indication"))
		require.NoError(t, err)
		assert.Equal(t, Datagram{Peer: ga.Relayed, Data: []byte("by indication")}, receive(t, b))
		require.NoError(t, a.Bind(t.Context(), 0x4000, gb.Relayed))
		_, err = a.Send(gb.Relayed, []byte("by channel"))
		require.NoError(t, err)
		assert.Equal(t, "by channel", string(receive(t, b).Data))

		// The other's allocation ends, and with it the peer.
		require.NoError(t, b.Release(t.Context()))
		s.log.Wait(t, "ended      "+gb.Relayed.String())
		_, err = a.Send(gb.Relayed, []byte("to nobody"))
		require.NoError(t, err)
		// A request may overtake the datagrams before it.
		allocation := s.table.at(ga.Relayed)
		require.Eventually(t, func() bool { return allocation.dropped.Load() == 4 }, patience, time.Millisecond)
		require.NoError(t, a.Release(t.Context()))
		s.log.Wait(t, "ended      "+ga.Relayed.String())
		assert.Regexp(t, ga.Relayed.String()+` after .*: 2 datagrams \(23 bytes\) to peers, .* 4 dropped`, s.log.String())
	})
	require.NoError(t, trap.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
	_, _, err = trap.ReadFrom(make([]byte, 100))
	require.ErrorContains(t, err, "timeout", "the relay has carried something to its own host")
}
