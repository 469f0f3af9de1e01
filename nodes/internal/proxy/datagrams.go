package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/socks/wire"
)

// MaxPayload is the largest payload that goes over IPv4 by way of a SOCKS5 proxy to an
// IPv4 address: what UDP holds less the header of RFC 1928 section 7.
const MaxPayload = 65507 - 10

// Datagrams is a UDP socket whose datagrams go to one target by way of a SOCKS5 proxy.
type Datagrams struct {
	*datagram.Conn // connected to the proxy's UDP address

	control *net.TCPConn // the association lasts as long as it
	target  addr.Remote
}

// Associate asks the proxy, by a connection that Connect has made, to carry datagrams
// to target. The Datagrams own c.
func (p *Proxy) Associate(ctx context.Context, c *net.TCPConn, target addr.Remote, opt dial.Options) (*Datagrams, error) {
	server := addr.Of(c.RemoteAddr())
	if p.Scheme != SOCKS5 {
		return nil, fmt.Errorf("%s: carries no datagrams; take a socks5 proxy", p.Scheme)
	}
	// RFC 1928 section 4: zeros, for a client that does not know the port yet.
	at, err := p.ask(c, wire.Request{Command: wire.Associate, Address: addr.Remote{Host: "0.0.0.0"}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w: UDP ASSOCIATE at %v", p.Scheme, err, server)
	}
	bound := told(at)
	if !bound.IsValid() {
		bound = netip.AddrPortFrom(server.Addr(), at.Port)
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	u, err := dial.UDP(ctx, bound, opt)
	if err != nil {
		return nil, err
	}
	return &Datagrams{Conn: u, control: c, target: target}, nil
}

// Write sends b as one datagram to the target.
func (d *Datagrams) Write(b []byte) (int, error) {
	whole, err := wire.AppendDatagram(nil, wire.Datagram{Address: d.target, Payload: b})
	if err != nil {
		return 0, err
	}
	if _, err := d.Conn.Write(whole); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Receive reads the next datagram of a target into b. The TTL is that of its way from
// the proxy.
func (d *Datagrams) Receive(b []byte) (int, datagram.Info, error) {
	whole := make([]byte, wire.MaxDatagramHeader+len(b))
	for {
		n, info, err := d.Conn.Receive(whole)
		if err != nil {
			return 0, info, err
		}
		got, err := wire.ParseDatagram(whole[:n])
		if err != nil {
			continue // not from a target, or a fragment
		}
		if ip, err := netip.ParseAddr(got.Address.Host); err == nil {
			info.From = netip.AddrPortFrom(ip.Unmap(), got.Address.Port)
		}
		return copy(b, got.Payload), info, nil
	}
}

// Read reads the next datagram of a target into b.
func (d *Datagrams) Read(b []byte) (int, error) {
	n, _, err := d.Receive(b)
	return n, err
}

// Close ends the association.
func (d *Datagrams) Close() error { return errors.Join(d.Conn.Close(), d.control.Close()) }
