package reliable_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// path is one end of a path: a socket, and what becomes of the datagrams that are sent on
// it. That is decided by chance, the same in every run.
type path struct {
	*net.UDPConn
	mu     sync.Mutex
	chance *rand.Rand
	bad    int    // of a hundred datagrams, so many are lost, so many doubled, so many late
	held   []byte // the one that is late
	cut    bool   // nothing passes any more
}

// paths returns the two ends.
func paths(t testing.TB, bad int) (a, b *path) {
	t.Helper()
	at := func() *net.UDPAddr { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(nodetest.FreePort(t))} }
	here, there := at(), at()
	end := func(local, remote *net.UDPAddr, seed uint64) *path {
		c, err := net.DialUDP("udp4", local, remote)
		require.NoError(t, err)
		p := &path{UDPConn: c, chance: rand.New(rand.NewPCG(seed, 0)), bad: bad}
		t.Cleanup(func() { p.Close() })
		return p
	}
	return end(here, there, 1), end(there, here, 2)
}

func (p *path) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		return len(b), nil
	}
	switch n := p.chance.IntN(100); {
	case n < p.bad:
		return len(b), nil
	case n < 2*p.bad:
		_, _ = p.UDPConn.Write(b)
	case n < 3*p.bad && p.held == nil:
		p.held = append([]byte{}, b...)
		return len(b), nil
	}
	n, err := p.UDPConn.Write(b)
	if p.held != nil {
		_, _ = p.UDPConn.Write(p.held)
		p.held = nil
	}
	return n, err
}

// sever has nothing pass any more, in either direction.
func sever(a, b *path) {
	for _, end := range []*path{a, b} {
		end.mu.Lock()
		end.cut = true
		end.mu.Unlock()
	}
}

// Read returns io.EOF when the other end has closed: it has said so, or ICMP says it.
func (p *path) Read(b []byte) (int, error) {
	n, err := p.UDPConn.Read(b)
	if err == nil && n == 0 || errors.Is(err, syscall.ECONNREFUSED) {
		return 0, io.EOF
	}
	return n, err
}

// Close says that it does, by a datagram without content.
func (p *path) Close() error {
	_, _ = p.UDPConn.Write(nil)
	if err := p.UDPConn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
