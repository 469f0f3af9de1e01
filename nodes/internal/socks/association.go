package socks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/relay"
	"github.com/crosslan/crosslan/nodes/internal/socks/wire"
)

// Bounds of one association. What is beyond them is dropped.
const (
	maxPeers = 1024 // addresses that the client has sent to
	maxNames = 64   // names that it has sent to
	nameTime = time.Minute
)

// checkTime is how long the rules' answer for a target holds: what is the host's own is
// asked of the kernel, which for each datagram would cost more than to carry it.
const checkTime = time.Second

// association carries the datagrams of one client: to any target from one socket for
// each family, so that all targets observe the same address (an endpoint-independent
// mapping, RFC 4787 section 4.1), and back from those that the client has sent to
// (address-dependent filtering, section 5).
type association struct {
	server  *Server
	control *net.TCPConn
	inside  *net.UDPConn // for the client
	host    netip.Addr   // the client's: others' datagrams are dropped
	began   time.Time
	moved   atomic.Int64 // when, in nanoseconds after began

	forth, back traffic

	running sync.WaitGroup
	mu      sync.Mutex
	over    bool
	client  netip.AddrPort // where its datagrams come from, once one has
	outside map[bool]*net.UDPConn
	peers   map[netip.Addr]bool

	// The reader of inside alone has these.
	names   map[string]named
	allowed map[netip.AddrPort]time.Time // until when
}

// named is what a name was found to mean.
type named struct {
	addresses []netip.AddrPort
	until     time.Time
}

// traffic counts what was carried in one direction.
type traffic struct{ datagrams, bytes atomic.Int64 }

func (t *traffic) add(n int) {
	t.datagrams.Add(1)
	t.bytes.Add(int64(n))
}

// String words the traffic: "2 datagrams (10 bytes)".
func (t *traffic) String() string {
	return fmt.Sprintf("%s (%s)", count(t.datagrams.Load(), "datagram"), count(t.bytes.Load(), "byte"))
}

func count(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

func newAssociation(s *Server, control *net.TCPConn, inside *net.UDPConn, host netip.Addr) *association {
	return &association{
		server: s, control: control, inside: inside, host: host, began: time.Now(),
		outside: map[bool]*net.UDPConn{}, peers: map[netip.Addr]bool{}, names: map[string]named{}, allowed: map[netip.AddrPort]time.Time{},
	}
}

// run carries until the TCP connection ends, the lifetime is over, or ctx is
// cancelled, and returns which.
func (a *association) run(ctx context.Context) (why string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan string, 2)
	a.running.Go(func() {
		if why := watchControl(a.control); why != "" {
			ended <- why
		}
	})
	a.running.Go(func() { a.readInside(ctx) })
	expired := time.NewTimer(a.server.config.Lifetime)
	defer expired.Stop()
	for why == "" {
		select {
		case why = <-ended:
		case <-ctx.Done():
			why = "relay stopped"
		case <-expired.C:
			left := time.Until(a.began.Add(time.Duration(a.moved.Load()) + a.server.config.Lifetime))
			if left <= 0 {
				why = fmt.Sprintf("silent for %v", a.server.config.Lifetime)
			}
			expired.Reset(left)
		}
	}
	cancel() // a name is perhaps being looked up
	a.close()
	a.running.Wait()
	return why
}

// close ends all sockets, by which all readers end.
func (a *association) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	relay.Reset(a.control)
	a.inside.Close()
	for _, c := range a.outside {
		c.Close()
	}
}

func (a *association) touch() { a.moved.Store(int64(time.Since(a.began))) }

// datagramSize holds any UDP datagram behind the header of its way to the client.
const (
	headRoom     = 3 + 1 + 16 + 2 // the header with an IPv6 address
	datagramSize = headRoom + 1<<16
)

var datagrams = sync.Pool{New: func() any { b := make([]byte, datagramSize); return &b }}

// receive waits for a datagram and hands it to use, in a buffer that has headRoom
// bytes before it. A buffer is taken only when there is a datagram, so that a silent
// association costs its sockets alone.
func receive(c *net.UDPConn, use func(buf []byte, n int, from netip.AddrPort)) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	if err := raw.Read(func(fd uintptr) bool {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds[:], 0)
		return n > 0 || err != nil && err != unix.EINTR
	}); err != nil {
		return err
	}
	buf := datagrams.Get().(*[]byte)
	defer datagrams.Put(buf)
	n, from, err := c.ReadFromUDPAddrPort((*buf)[headRoom:])
	if err != nil {
		return err
	}
	use(*buf, n, addr.Plain(from))
	return nil
}

// read receives until c is closed. Other errors are of a datagram, or of memory that
// the kernel lacks.
func read(c *net.UDPConn, use func(buf []byte, n int, from netip.AddrPort)) {
	for {
		if err := receive(c, use); errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
}

// readInside carries the client's datagrams.
func (a *association) readInside(ctx context.Context) {
	read(a.inside, func(buf []byte, n int, from netip.AddrPort) {
		if !a.known(from) {
			return
		}
		d, err := wire.ParseDatagram(buf[headRoom : headRoom+n])
		if err != nil {
			return // also of a fragment
		}
		a.touch()
		a.send(ctx, d)
	})
}

// known reports whether from is the client: of the host that the TCP connection comes
// from, and the first port there that has sent.
func (a *association) known(from netip.AddrPort) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if from.Addr() != a.host {
		return false
	}
	if !a.client.IsValid() {
		a.client = from
	}
	return a.client == from
}

// send sends a datagram to where the client wants it, if the rules allow that.
func (a *association) send(ctx context.Context, d wire.Datagram) {
	addresses, err := a.resolve(ctx, d.Address)
	if err != nil {
		return
	}
	for _, to := range addresses {
		if !a.allows(to) {
			continue
		}
		to = addr.Plain(to)
		if c := a.socketFor(to.Addr()); c != nil {
			if _, err := c.WriteToUDPAddrPort(d.Payload, to); err == nil {
				a.forth.add(len(d.Payload))
			}
		}
		return
	}
}

// allows reports whether the rules let datagrams go to a target.
func (a *association) allows(to netip.AddrPort) bool {
	now := time.Now()
	if until, ok := a.allowed[to]; ok && now.Before(until) {
		return true
	}
	if a.server.config.Rules.Check(to) != nil {
		return false
	}
	if len(a.allowed) >= maxPeers {
		clear(a.allowed)
	}
	a.allowed[to] = now.Add(checkTime)
	return true
}

// resolve looks a name up, and remembers for a while what it meant. It waits for the
// answer: the datagrams behind are this client's alone.
func (a *association) resolve(ctx context.Context, r addr.Remote) ([]netip.AddrPort, error) {
	if _, err := netip.ParseAddr(r.Host); err == nil {
		return resolve(ctx, r)
	}
	key := r.String()
	if n, ok := a.names[key]; ok && time.Now().Before(n.until) {
		return n.addresses, nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.server.config.Connect)
	defer cancel()
	addresses, err := resolve(ctx, r)
	if len(a.names) >= maxNames {
		clear(a.names)
	}
	// What is not known is remembered too: it would be asked again for each datagram.
	a.names[key] = named{addresses: addresses, until: time.Now().Add(nameTime)}
	return addresses, err
}

// socketFor returns the socket for targets of to's family, and lets to answer by it.
// It returns nil if there cannot be one, or the client has sent to too many.
func (a *association) socketFor(to netip.Addr) *net.UDPConn {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.peers[to] {
		if len(a.peers) >= maxPeers {
			return nil
		}
		a.peers[to] = true
	}
	c := a.outside[to.Is4()]
	if c != nil || a.over {
		return c
	}
	any := netip.IPv6Unspecified()
	if to.Is4() {
		any = netip.IPv4Unspecified()
	}
	c, err := net.ListenUDP(addr.Network("udp", netip.AddrPortFrom(to, 0)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(any, 0)))
	if err != nil {
		return nil
	}
	a.outside[to.Is4()] = c
	a.running.Go(func() { read(c, a.answer) })
	return c
}

// answer carries a target's datagram to the client, with where it came from in front.
func (a *association) answer(buf []byte, n int, from netip.AddrPort) {
	a.mu.Lock()
	client, known := a.client, a.peers[from.Addr()]
	a.mu.Unlock()
	if !known {
		return
	}
	var room [headRoom]byte
	header, err := wire.AppendDatagram(room[:0], wire.Datagram{Address: addr.Remote{Host: from.Addr().WithZone("").String(), Port: from.Port()}})
	if err != nil {
		return
	}
	begin := headRoom - len(header)
	copy(buf[begin:], header)
	a.touch()
	if _, err := a.inside.WriteToUDPAddrPort(buf[begin:headRoom+n], client); err == nil {
		a.back.add(n)
	}
}
