package turn

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/batch"
)

// generator makes the relayed transport addresses of the requests at hand.
type generator struct{ *control }

// Validate is pion/turn's.
func (generator) Validate() error { return nil }

// AllocatePacketConn binds a relayed transport address. Without a user it is for
// pion/turn's look at which port is free.
func (g generator) AllocatePacketConn(want turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	r := g.at
	local := r.flow.server.Addr()
	if want.Network == "udp6" != local.Is6() {
		r.veto, r.why = stun.CodeAddrFamilyNotSupported, "no relayed address of that family"
		return nil, nil, errors.New(r.why)
	}
	conn, err := g.bind(want.Network, local, want.RequestedPort)
	if err != nil {
		r.veto, r.why = stun.CodeInsufficientCapacity, err.Error()
		return nil, nil, err
	}
	_ = conn.SetReadBuffer(socketBuffer) // as much as the kernel lets have
	many, err := batch.New(conn)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	relayed := addr.Of(conn.LocalAddr())
	if g.relay.config.Public.IsValid() {
		relayed = netip.AddrPortFrom(g.relay.config.Public, relayed.Port())
	}
	told := net.UDPAddrFromAddrPort(relayed)
	if want.UserID == "" {
		return conn, told, nil
	}
	a := newAllocation(g.relay, r.side, r.flow, want.UserID, many, relayed)
	g.relay.table.add(a)
	r.side.bind(r.flow, a)
	return a, told, nil
}

// socketBuffer is asked for where datagrams of many come, in bytes.
const socketBuffer = 4 << 20

// bind binds a port that nobody can foresee (RFC 8656 section 7.2), or the one that is
// asked for.
func (g generator) bind(network string, local netip.Addr, port int) (*net.UDPConn, error) {
	first, last := int(g.relay.config.FirstPort), int(g.relay.config.LastPort)
	if port != 0 {
		if port < first || port > last {
			return nil, errors.New("no port left (--ports)")
		}
		first, last = port, port
	}
	size := last - first + 1
	begin := rand.IntN(size)
	for i := range size {
		at := netip.AddrPortFrom(local, uint16(first+(begin+i)%size))
		conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(at))
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return conn, err
		}
	}
	return nil, errors.New("no port left (--ports)")
}

var errTCP = errors.New("allocations for TCP (RFC 6062) are not offered")

// AllocateListener and AllocateConn are for RFC 6062, which this server does not have.
func (generator) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errTCP
}

func (generator) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errTCP }

// lifetime bounds what a client asks for: more than the longest becomes the longest.
func (c *control) lifetime(a stun.RawAttribute) stun.Setter {
	longest := uint32(c.relay.config.MaxLifetime / time.Second)
	// pion/turn takes an hour and more for the default.
	longest = min(longest, uint32(time.Hour/time.Second)-1)
	if len(a.Value) == 4 && binary.BigEndian.Uint32(a.Value) > longest {
		a.Value = binary.BigEndian.AppendUint32(nil, longest)
	}
	return a
}
