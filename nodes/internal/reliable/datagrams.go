package reliable

import "net"

// datagrams is a path as QUIC wants it: a socket that talks to one address.
type datagrams struct{ Path }

// Path is what carries datagrams between the two ends: each Write is a datagram, and each
// Read the next.
type Path interface {
	net.Conn
	SetReadBuffer(bytes int) error
	SetWriteBuffer(bytes int) error
}

func (d datagrams) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := d.Read(b)
	return n, d.RemoteAddr(), err
}

// WriteTo sends a datagram. One that cannot be sent is as good as lost; that and why the
// path has ended, ReadFrom says.
func (d datagrams) WriteTo(b []byte, _ net.Addr) (int, error) {
	_, _ = d.Write(b)
	return len(b), nil
}

// Close does nothing: the path was there before, and its owner closes it.
func (d datagrams) Close() error { return nil }
