package reliable_test

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// path is one end of a path within the test. What it loses, doubles and overtakes is
// decided by chance that is the same in every run.
type path struct {
	name   string
	in     chan []byte
	out    *path
	mu     sync.Mutex
	chance *rand.Rand
	bad    int    // of a hundred datagrams, so many are lost, so many doubled, so many late
	held   []byte // the one that is late
	cut    bool   // nothing passes any more

	closed   chan struct{}
	once     sync.Once
	deadline time.Time
	moved    chan struct{}
}

// paths returns the two ends.
func paths(t testing.TB, bad int) (a, b *path) {
	end := func(name string, seed uint64) *path {
		return &path{name: name, in: make(chan []byte, 256), chance: rand.New(rand.NewPCG(seed, 0)), bad: bad,
			closed: make(chan struct{}), moved: make(chan struct{})}
	}
	a, b = end("a", 1), end("b", 2)
	a.out, b.out = b, a
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func (p *path) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closed:
		return 0, net.ErrClosed
	default:
	}
	if p.cut {
		return len(b), nil
	}
	datagram := append([]byte(nil), b...)
	switch n := p.chance.IntN(100); {
	case n < p.bad:
	case n < 2*p.bad:
		p.deliver(datagram)
		p.deliver(datagram)
	case n < 3*p.bad && p.held == nil:
		p.held = datagram
	default:
		p.deliver(datagram)
		p.deliver(p.held)
		p.held = nil
	}
	return len(b), nil
}

func (p *path) deliver(b []byte) {
	if b == nil {
		return
	}
	select {
	case p.out.in <- b:
	default: // as a full socket does
	}
}

// sever has nothing pass in either direction.
func (p *path) sever() {
	for _, end := range []*path{p, p.out} {
		end.mu.Lock()
		end.cut = true
		end.mu.Unlock()
	}
}

func (p *path) Read(b []byte) (int, error) {
	for {
		p.mu.Lock()
		deadline, moved := p.deadline, p.moved
		p.mu.Unlock()
		var expired <-chan time.Time
		if !deadline.IsZero() {
			expired = time.After(time.Until(deadline))
		}
		select {
		case datagram := <-p.in:
			return copy(b, datagram), nil
		case <-p.closed:
			return 0, net.ErrClosed
		case <-p.out.closed:
			return 0, io.EOF
		case <-expired:
			return 0, os.ErrDeadlineExceeded
		case <-moved:
		}
	}
}

func (p *path) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	close(p.moved)
	p.moved = make(chan struct{})
	return nil
}

func (p *path) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *path) SetDeadline(t time.Time) error    { return p.SetReadDeadline(t) }
func (p *path) SetWriteDeadline(time.Time) error { return nil }
func (p *path) SetReadBuffer(int) error          { return nil }
func (p *path) SetWriteBuffer(int) error         { return nil }
func (p *path) LocalAddr() net.Addr {
	return &net.UDPAddr{IP: net.IPv4(10, 5, 1, p.name[0]), Port: 4000}
}
func (p *path) RemoteAddr() net.Addr { return p.out.LocalAddr() }
