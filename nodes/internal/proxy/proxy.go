package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/socks/wire"
)

// Scheme is the protocol of a proxy.
type Scheme string

// The schemes of a Proxy.
const (
	SOCKS5 Scheme = "socks5"
	HTTP   Scheme = "http"
)

// Proxy is a proxy server, as its user gives it.
type Proxy struct {
	Scheme         Scheme
	Server         addr.Remote
	User, Password string // both empty for a proxy that everybody may use
}

// Parse reads socks5://ADDR or http://ADDR, with USER:PASSWORD@ before the address if
// there is to be authentication. socks5h is understood too: names are always the
// proxy's to look up.
func Parse(s string) (*Proxy, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The error of url.Parse has the whole text, password included.
		return nil, errors.New("is not a URL; write socks5://10.1.1.20:1080 or http://10.1.1.20:8080")
	}
	p := &Proxy{}
	switch u.Scheme {
	case "socks5", "socks5h":
		p.Scheme = SOCKS5
	case "http":
		p.Scheme = HTTP
	default:
		return nil, fmt.Errorf("%s: no such kind of proxy; write socks5://10.1.1.20:1080 or http://10.1.1.20:8080", u.Redacted())
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%s: a proxy's address ends with its port", u.Redacted())
	}
	if p.Server, err = addr.ParseRemote(u.Host, examplePort); err != nil {
		return nil, err
	}
	if u.User != nil {
		p.User = u.User.Username()
		p.Password, _ = u.User.Password()
		if err := wire.CheckPassword(p.User, p.Password); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// examplePort is what the error of a missing port suggests.
const examplePort = 1080

// String returns the proxy without its password.
func (p *Proxy) String() string { return fmt.Sprintf("%s %v", p.Scheme, p.Server) }

// Connect connects to the proxy, and says nothing yet.
func (p *Proxy) Connect(ctx context.Context, opt dial.Options) (*net.TCPConn, error) {
	servers, err := dial.Resolve(ctx, p.Server)
	if err != nil {
		return nil, err
	}
	for _, s := range servers {
		var c *net.TCPConn
		if c, err = dial.TCP(ctx, s, opt); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// Open asks the proxy, by a connection that Connect has made, for a tunnel to target.
// From then on c is the tunnel, and no byte of it has been read. It returns the address
// that the target observes, if the proxy tells; HTTP does not. The deadlines of c hold.
func (p *Proxy) Open(c *net.TCPConn, target addr.Remote) (bound netip.AddrPort, err error) {
	if p.Scheme == HTTP {
		err = p.openHTTP(c, target)
	} else {
		var at addr.Remote
		if at, err = p.ask(c, wire.Request{Command: wire.Connect, Address: target}); err == nil {
			bound = told(at)
		}
	}
	if err != nil {
		return bound, fmt.Errorf("%s: %w: %v by way of %v", p.Scheme, err, target, addr.Of(c.RemoteAddr()))
	}
	return bound, nil
}

// told is an address that a proxy tells, or the zero value: 0.0.0.0 is what one says
// that does not.
func told(r addr.Remote) netip.AddrPort {
	ip, err := netip.ParseAddr(r.Host)
	if err != nil || ip.IsUnspecified() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip.Unmap(), r.Port)
}
