package punch

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
)

// spare is sockets beside the one that is registered. A nil spare has none.
type spare struct {
	conns []*net.UDPConn
	in    chan arrival
	run   sync.WaitGroup
}

// arrivals is how much waits to be taken; what comes beyond is lost.
const arrivals = 4096

// arrival is what came to a spare socket.
type arrival struct {
	via  *net.UDPConn
	from netip.AddrPort
	b    []byte
}

// openSpare opens n sockets at the address that the registered one has, or as many as
// this process may.
func openSpare(ctx context.Context, local netip.AddrPort, n int) *spare {
	s := &spare{in: make(chan arrival, arrivals)}
	for range n {
		c, err := listenUDP(ctx, netip.AddrPortFrom(local.Addr(), 0))
		if err != nil {
			break
		}
		s.conns = append(s.conns, c)
		s.run.Go(func() { s.receive(c) })
	}
	return s
}

// receive reads a socket until it is closed, or given away.
func (s *spare) receive(c *net.UDPConn) {
	b := make([]byte, packetLimit)
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		switch {
		case err == nil:
		case isTransient(err):
			continue
		default:
			return
		}
		select { // one that finds no room is sent again
		case s.in <- arrival{c, addr.Plain(from), append([]byte(nil), b[:n]...)}:
		default:
		}
	}
}

// packetLimit is how much of a datagram is read: a ping has less, and what is cut is not
// taken for the peer's.
const packetLimit = min(2048, datagram.MaxSize)

// take gives the attempt what has come.
func (s *spare) take(a *attempt) {
	if s == nil {
		return
	}
	for {
		select {
		case got := <-s.in:
			a.takeVia(got.via, got.b, got.from)
		default:
			return
		}
	}
}

// close closes all sockets but one, which is not read any more.
func (s *spare) close(but *net.UDPConn) {
	if s == nil {
		return
	}
	if but != nil {
		_ = but.SetReadDeadline(past) // fails on a closed socket only
	}
	for _, c := range s.conns {
		if c != but {
			c.Close()
		}
	}
	s.run.Wait()
}
