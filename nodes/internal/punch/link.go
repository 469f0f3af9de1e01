package punch

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

const (
	// inbox is how many datagrams wait for a reader; more are dropped, as a socket does.
	inbox = 256

	// farewells is how often a side says that it ends before it ends unanswered.
	farewells    = 4
	farewellWait = 75 * time.Millisecond

	// beats is how often in its idle time a side is heard at least.
	beats = 5
)

// Link is a UDP path to a peer: a net.Conn of which each Read returns one datagram that
// the peer wrote. It keeps the NATs' mappings open, and ends when the peer does.
type Link struct {
	conn   *net.UDPConn
	codec  codec
	remote netip.AddrPort // the peer, or the relay
	server netip.AddrPort // where guest is registered
	idle   time.Duration

	in     chan []byte
	gone   signal // the peer has ended, or is not heard any more
	waved  signal // the peer knows that this side has ended
	left   signal // the server knows it
	closed signal
	run    sync.WaitGroup

	mu       sync.Mutex
	guest    *rendezvous.Guest
	request  time.Time // when its next is due
	reason   error     // why the peer is gone
	number   uint64    // of the last datagram sent
	window   window
	heard    time.Time
	deadline time.Time // for Read
	moved    chan struct{}
}

// signal is given once.
type signal struct {
	once sync.Once
	c    chan struct{}
}

func newSignal() signal { return signal{c: make(chan struct{})} }

func (s *signal) give() { s.once.Do(func() { close(s.c) }) }

// link makes a link of the socket of m, on which a path has come about. What comes to
// the socket is the link's from now on.
func (m *meetUDP) link(c codec, remote netip.AddrPort, early [][]byte) *Link {
	l := &Link{
		conn: m.conn, codec: c, remote: remote, server: m.server, guest: m.guest, idle: m.config.Idle,
		in: make(chan []byte, inbox), gone: newSignal(), waved: newSignal(), left: newSignal(), closed: newSignal(),
		heard: time.Now(), moved: make(chan struct{}),
	}
	for _, b := range early {
		l.take(b, remote)
	}
	_ = m.conn.SetReadDeadline(time.Time{}) // fails on a closed socket, as the read does
	l.run.Go(l.receive)
	l.run.Go(l.keep)
	return l
}

// receive reads until the socket is closed.
func (l *Link) receive() {
	b := make([]byte, datagram.MaxSize)
	for {
		n, from, err := l.conn.ReadFromUDPAddrPort(b)
		switch {
		case err == nil:
		case isTransient(err):
			continue
		default:
			l.end(err)
			return
		}
		if from = addr.Plain(from); from == l.server && rendezvous.IsMessage(b[:n]) {
			l.takeMessage(b[:n])
			continue
		}
		l.take(b[:n], from)
	}
}

// end says that nothing more comes from the peer, and why.
func (l *Link) end(reason error) {
	l.mu.Lock()
	if l.reason == nil {
		l.reason = reason
	}
	l.mu.Unlock()
	l.gone.give()
}

// take takes a datagram, if the peer has sent it.
func (l *Link) take(b []byte, from netip.AddrPort) {
	p, err := l.codec.open(b)
	if err != nil {
		return
	}
	l.mu.Lock()
	l.heard = time.Now()
	fresh := p.kind == data && l.window.take(p.number)
	l.mu.Unlock()
	switch p.kind {
	case ping:
		l.send(from, packet{kind: pong, number: p.number})
	case data:
		if !fresh {
			return
		}
		select {
		case l.in <- slices.Clone(p.payload):
		default:
		}
	case bye:
		l.send(from, packet{kind: wave, number: p.number})
		l.end(io.EOF)
	case wave:
		l.waved.give()
	}
}

// send sends a packet. One that cannot be sent is as one that is lost.
func (l *Link) send(to netip.AddrPort, p packet) {
	_, _ = l.conn.WriteToUDPAddrPort(l.codec.seal(p), to)
}

// takeMessage takes what the server says.
func (l *Link) takeMessage(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, err := l.guest.Receive(b)
	switch {
	case err != nil:
		l.left.give() // it keeps nothing of this side
	case len(next) > 0:
		_, _ = l.conn.WriteToUDPAddrPort(next, l.server) // the next request is like it
	case l.guest.Known() && l.guest.State() == rendezvous.StateLeft:
		l.left.give()
	}
}

// keep keeps the path and the registration alive until the link is closed.
func (l *Link) keep() {
	for beat := time.Now(); ; {
		now := time.Now()
		if !now.Before(beat) {
			l.send(l.remote, packet{kind: ping, number: randomNumber()})
			beat = now.Add(l.idle / beats)
		}
		t := time.NewTimer(time.Until(earlier(beat, l.register(now))))
		select {
		case <-t.C:
		case <-l.closed.c:
			t.Stop()
			return
		}
	}
}

// register sends a request when it is due, sees whether the peer is heard, and returns
// when the next is due.
func (l *Link) register(now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.heard) > l.idle && l.reason == nil {
		l.reason = fmt.Errorf("%v was not heard for %s (--idle)", l.remote, dial.Seconds(l.idle))
		l.gone.give()
	}
	if !now.Before(l.request) {
		b, wait := l.guest.Request()
		l.request = now.Add(wait)
		_, _ = l.conn.WriteToUDPAddrPort(b, l.server) // asked again until it is answered
	}
	return l.request
}

// Read returns the next datagram; what does not fit into b is lost. It returns io.EOF
// when the peer has closed the link.
func (l *Link) Read(b []byte) (int, error) {
	for {
		l.mu.Lock()
		deadline, moved := l.deadline, l.moved
		l.mu.Unlock()
		p, err := l.next(deadline, moved)
		switch {
		case p != nil:
			return copy(b, *p), nil
		case err == io.EOF:
			return 0, err
		case err != nil:
			return 0, &net.OpError{Op: "read", Net: "udp", Source: l.LocalAddr(), Addr: l.RemoteAddr(), Err: err}
		}
	}
}

// next returns the next datagram, or why there is none; neither if the deadline was moved.
func (l *Link) next(deadline time.Time, moved <-chan struct{}) (*[]byte, error) {
	select {
	case p := <-l.in:
		return &p, nil // also what came before the end
	default:
	}
	var expired <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		expired = t.C
	}
	select {
	case p := <-l.in:
		return &p, nil
	case <-moved:
		return nil, nil
	case <-expired:
		return nil, os.ErrDeadlineExceeded
	case <-l.closed.c:
		return nil, net.ErrClosed
	case <-l.gone.c:
		select {
		case p := <-l.in:
			return &p, nil
		default:
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		return nil, l.reason
	}
}

// Write sends b as one datagram.
func (l *Link) Write(b []byte) (int, error) {
	fail := func(err error) (int, error) {
		return 0, &net.OpError{Op: "write", Net: "udp", Source: l.LocalAddr(), Addr: l.RemoteAddr(), Err: err}
	}
	if len(b) > maxPayload {
		return fail(os.NewSyscallError("sendto", syscall.EMSGSIZE))
	}
	select {
	case <-l.closed.c:
		return fail(net.ErrClosed)
	case <-l.gone.c:
		l.mu.Lock()
		defer l.mu.Unlock()
		return fail(l.reason)
	default:
	}
	l.mu.Lock()
	l.number++
	n := l.number
	l.mu.Unlock()
	if _, err := l.conn.WriteToUDPAddrPort(l.codec.seal(packet{kind: data, number: n, payload: b}), l.remote); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close takes leave of the peer and of the server, and closes the socket.
func (l *Link) Close() error {
	var err error
	l.closed.once.Do(func() {
		close(l.closed.c)
		l.say(&l.waved, func() { l.send(l.remote, packet{kind: bye, number: randomNumber()}) })
		l.say(&l.left, l.leave)
		err = l.conn.Close()
		l.run.Wait()
	})
	return err
}

// say says something until it is heard, or often enough. It need not be said to a peer
// that is gone, or after the socket is.
func (l *Link) say(heard *signal, word func()) {
	var gone <-chan struct{}
	if heard == &l.waved {
		gone = l.gone.c
	}
	for range farewells {
		select {
		case <-gone:
			return
		default:
		}
		word()
		t := time.NewTimer(farewellWait)
		select {
		case <-heard.c:
			t.Stop()
			return
		case <-gone:
			t.Stop()
			return
		case <-t.C:
		}
	}
}

func (l *Link) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.guest.Set(rendezvous.StateLeft)
	b, _ := l.guest.Request()
	_, _ = l.conn.WriteToUDPAddrPort(b, l.server) // said again
}

// LocalAddr is the socket's own address.
func (l *Link) LocalAddr() net.Addr { return l.conn.LocalAddr() }

// RemoteAddr is the peer's, or the relay's, to which the link sends.
func (l *Link) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(l.remote) }

// SetReadBuffer sets how many bytes the kernel keeps for the link.
func (l *Link) SetReadBuffer(bytes int) error { return l.conn.SetReadBuffer(bytes) }

// SetWriteBuffer sets how many bytes of the link the kernel takes before it sends.
func (l *Link) SetWriteBuffer(bytes int) error { return l.conn.SetWriteBuffer(bytes) }

// SetDeadline sets the read deadline: a write does not wait.
func (l *Link) SetDeadline(t time.Time) error { return l.SetReadDeadline(t) }

// SetReadDeadline sets when a Read that waits, or a later one, fails.
func (l *Link) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = t
	close(l.moved)
	l.moved = make(chan struct{})
	return nil
}

// SetWriteDeadline does nothing.
func (l *Link) SetWriteDeadline(time.Time) error { return nil }
