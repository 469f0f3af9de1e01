package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
	"github.com/pires/go-proxyproto"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// connectTCP carries an outside TCP connection to its server.
func (c *Client) connectTCP(ctx context.Context, s *yamux.Stream, o opening, target addr.Remote) {
	began := time.Now()
	conn, err := c.dialTCP(ctx, o, target)
	if writeErr := writeConnected(s, err); err == nil && writeErr != nil {
		resetConn(conn)
		return
	}
	if err != nil {
		c.printFailed(o, err)
		return
	}
	defer conn.Close()
	c.printOpened(o, conn)
	k := &carrier{conn: conn, stream: s, here: inside, opened: true}
	defer c.watch.Add(k)()
	defer context.AfterFunc(ctx, func() { k.abort(end{why: lost}) })()
	e := k.carry()
	forth, back := k.received.Load(), k.sent.Load()
	c.events.Print("closed", closedText(o, e, forth, back, time.Since(began)), append(o.attrs(), closedAttrs(e, forth, back, time.Since(began))...)...)
}

func (c *Client) dialTCP(ctx context.Context, o opening, target addr.Remote) (*net.TCPConn, error) {
	remotes, err := dial.Resolve(ctx, target)
	if err != nil {
		return nil, err
	}
	conn, err := dial.TCP(ctx, remotes[0], dial.Options{Limit: openingLimit})
	if err != nil || !c.options.ProxyProtocol {
		return conn, err
	}
	header := proxyproto.HeaderProxyFromAddrs(2, net.TCPAddrFromAddrPort(o.source), net.TCPAddrFromAddrPort(o.dialed))
	if _, err := header.WriteTo(conn); err != nil {
		resetConn(conn)
		return nil, errno.Wrap("send", err, "PROXY header to "+target.String())
	}
	return conn, nil
}

// connectUDP carries the datagrams of an outside source to the server. The relay ends
// the session, after its silence.
func (c *Client) connectUDP(ctx context.Context, s *yamux.Stream, o opening, target addr.Remote) {
	conn, err := c.dialUDP(ctx, target)
	if writeErr := writeConnected(s, err); err != nil || writeErr != nil {
		if err != nil {
			c.printFailed(o, err)
		} else {
			conn.Close()
		}
		return
	}
	c.printOpened(o, conn)
	defer context.AfterFunc(ctx, func() { closeStream(s); conn.Close() })()
	var answers sync.WaitGroup
	answers.Go(func() { c.sendDatagrams(conn, s, o) })
	for {
		err := readFrame(s, func(b []byte) error {
			if _, err := conn.Write(b); errors.Is(err, net.ErrClosed) {
				return err
			}
			// Any other error is of a datagram before it, by ICMP, or of this one
			// alone: it is lost.
			return nil
		})
		if err != nil {
			break
		}
	}
	closeStream(s)
	conn.Close()
	answers.Wait()
}

func (c *Client) dialUDP(ctx context.Context, target addr.Remote) (*datagram.Conn, error) {
	remotes, err := dial.Resolve(ctx, target)
	if err != nil {
		return nil, err
	}
	return dial.UDP(ctx, remotes[0], dial.Options{})
}

// sendDatagrams sends the server's datagrams through the stream, until one of the two
// is closed.
func (c *Client) sendDatagrams(conn *datagram.Conn, s *yamux.Stream, o opening) {
	var said error
	raw, err := conn.SyscallConn()
	if err != nil {
		closeStream(s)
		return
	}
	for {
		buf, n, err := readBehindHeader(raw)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			// An ICMP error, most often that nobody listens there.
			if said == nil || errno.Name(said) != errno.Name(err) {
				said = err
				c.printFailed(o, errno.Wrap("recv", err, conn.RemoteAddr().String()))
			}
			continue
		}
		said = nil
		putHeader(buf[:], n)
		_, err = s.Write(buf[:headerSize+n])
		frames.Put(buf)
		if err != nil {
			closeStream(s)
			conn.Close()
			return
		}
	}
}

func callText(o opening, local, remote netip.AddrPort) string {
	return fmt.Sprintf("%s, %v %v -> %v", near(o), o.Protocol, local, remote)
}

func (c *Client) printOpened(o opening, conn net.Conn) {
	local, remote := addr.Of(conn.LocalAddr()), addr.Of(conn.RemoteAddr())
	c.events.Print("opened", callText(o, local, remote), append(o.attrs(), slog.Any("local", local), slog.Any("target", remote))...)
}

func (c *Client) printFailed(o opening, err error) {
	c.events.Print("failed", fmt.Sprintf("%s: %v", near(o), err), append(o.attrs(), slog.String("error", err.Error()))...)
}
