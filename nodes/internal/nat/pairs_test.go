package nat

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// home is a host behind a NAT of its own.
type home struct {
	host *nstest.Namespace
	addr netip.Addr

	*Kernel
}

// homes are two, with a rendezvous between them.
func homes(t *testing.T) (a, b home, rendezvous *nstest.Namespace) {
	rendezvous = nstest.New(t)
	rendezvous.Sysctl(t, "net/ipv4/ip_forward", "1")
	move := func(n int) home {
		host, router := nstest.New(t), nstest.New(t)
		nstest.Link(t, router, "lan", fmt.Sprintf("10.5.%d.1/24", n), host, "eth0", fmt.Sprintf("10.5.%d.10/24", n))
		nstest.Link(t, router, "wan", fmt.Sprintf("198.18.%d.2/24", n), rendezvous, fmt.Sprintf("net%d", n), fmt.Sprintf("198.18.%d.1/24", n))
		host.Route(t, "0.0.0.0/0", fmt.Sprintf("10.5.%d.1", n))
		router.Route(t, "0.0.0.0/0", fmt.Sprintf("198.18.%d.1", n))
		router.Sysctl(t, "net/ipv4/ip_forward", "1")
		return home{host, netip.AddrFrom4([4]byte{10, 5, byte(n), 10}), openIn(t, router)}
	}
	return move(1), move(2), rendezvous
}

func (h home) become(t *testing.T, n int, m Mapping, f Filtering, p Permission) {
	c := Default()
	c.Inside = []netip.Prefix{netip.PrefixFrom(h.addr, 24).Masked()}
	c.Outside = netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(n), 0}), 24)
	c.Mapping, c.Filtering, c.Permission = m, f, p
	_, err := h.Apply(c)
	assert.NoError(t, err)
}

// Of the 81 pairs of kinds, the 57 can talk directly that theory says: either side
// filters endpoint-independently, or both map so, or either maps endpoint-
// independently and filters address-dependently.
func TestPairs(t *testing.T) {
	assert.Equal(t, 57, countDirect(t, PermitByMapping, func(ma, mb Mapping, fa, fb Filtering) bool {
		return fa == FilterEndpointIndependent || fb == FilterEndpointIndependent ||
			ma == MapEndpointIndependent && mb == MapEndpointIndependent ||
			ma == MapEndpointIndependent && fa == FilterAddressDependent ||
			mb == MapEndpointIndependent && fb == FilterAddressDependent
	}))
}

// Where permission is the endpoint's, who was sent to comes in by any mapping: only
// where both sides filter by port, and neither can be known by what a server
// observes, do they miss each other.
func TestPairsByEndpoint(t *testing.T) {
	assert.Equal(t, 77, countDirect(t, PermitByEndpoint, func(ma, mb Mapping, fa, fb Filtering) bool {
		return fa != FilterAddressAndPortDependent || fb != FilterAddressAndPortDependent ||
			ma == MapEndpointIndependent || mb == MapEndpointIndependent
	}))
}

// countDirect lets each pair try, and compares it with the theory.
func countDirect(t *testing.T, p Permission, theory func(ma, mb Mapping, fa, fb Filtering) bool) int {
	a, b, rendezvous := homes(t)
	meet := listenUDP(t, rendezvous, netip.MustParseAddrPort("0.0.0.0:3478"))
	direct := 0
	for i := range 81 {
		ma, fa, mb, fb := Mapping(i/27), Filtering(i/9%3), Mapping(i/3%3), Filtering(i%3)
		a.become(t, 1, ma, fa, p)
		b.become(t, 2, mb, fb, p)
		got := punch(t, a, b, meet, uint16(10000+i))
		assert.Equal(t, theory(ma, mb, fa, fb), got, "%v/%v with %v/%v", ma, fa, mb, fb)
		if got {
			direct++
		}
	}
	return direct
}

// punch lets both hosts send to what the rendezvous observed of the other, and to
// whatever address the other is heard from, until both have heard each other.
func punch(t *testing.T, a, b home, meet *net.UDPConn, port uint16) bool {
	sockets := [2]*net.UDPConn{
		listenUDP(t, a.host, netip.AddrPortFrom(a.addr, port)),
		listenUDP(t, b.host, netip.AddrPortFrom(b.addr, port)),
	}
	var target [2]netip.AddrPort
	for i, gateway := range []string{"198.18.1.1:3478", "198.18.2.1:3478"} {
		send(t, sockets[i], netip.MustParseAddrPort(gateway), "where am I?")
		_, target[1-i] = receive(t, meet)
	}
	var heard [2]bool
	for range 5 {
		for i, c := range sockets {
			send(t, c, target[i], "hello")
		}
		for i, c := range sockets {
			for _, from, err := read(c, 5*time.Millisecond); err == nil; _, from, err = read(c, 5*time.Millisecond) {
				heard[i], target[i] = true, from
			}
		}
		if heard[0] && heard[1] {
			return true
		}
	}
	return false
}
