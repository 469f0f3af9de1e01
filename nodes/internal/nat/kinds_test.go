package nat

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

// nine calls f for each kind.
func nine(t *testing.T, f func(t *testing.T, m Mapping, f Filtering)) {
	for m := range Mapping(3) {
		for fl := range Filtering(3) {
			t.Run(m.String()+"/"+fl.String(), func(t *testing.T) { f(t, m, fl) })
		}
	}
}

// Each kind measures as what it was declared to be, with two inside hosts that use
// the same ports at the same time (RFC 4787 REQ-1, REQ-3, REQ-8; RFC 5382 REQ-1,
// REQ-3).
func TestNineKinds(t *testing.T) {
	for _, ports := range []Ports{PreservePorts, RandomPorts, SequentialPorts} {
		t.Run(ports.String(), func(t *testing.T) {
			l := newLab(t)
			nine(t, func(t *testing.T, m Mapping, f Filtering) {
				c := config()
				c.Mapping, c.Filtering, c.Ports = m, f, ports
				l.apply(t, c)
				t.Run("udp", func(t *testing.T) { l.measuresAsUDP(t, c) })
				t.Run("tcp", func(t *testing.T) { l.measuresAsTCP(t, c) })
			})
		})
	}
}

func (l *lab) measuresAsUDP(t *testing.T, c Config) {
	remotes := l.udpRemotes(t)
	var mapped, filtered [2]*net.UDPConn
	for i := range l.inside {
		mapped[i] = listenUDP(t, l.inside[i], netip.AddrPortFrom(insideAddr[i], 4000))
		filtered[i] = listenUDP(t, l.inside[i], netip.AddrPortFrom(insideAddr[i], 4001))
	}
	for i := range l.inside {
		m, f := measureUDP(t, mapped[i], filtered[i], remotes)
		assert.Equal(t, c.Mapping, m, "host %d", i)
		assert.Equal(t, c.Filtering, f, "host %d", i)
	}
}

func (l *lab) measuresAsTCP(t *testing.T, c Config) {
	remotes := l.tcpRemotes(t)
	for i := range l.inside {
		assert.Equal(t, c.Mapping, l.measureTCPMapping(t, i, 4000, remotes), "host %d", i)
	}
	for i := range l.inside {
		assert.Equal(t, c.Filtering, l.measureTCPFiltering(t, i, 4001, remotes), "host %d", i)
	}
}
