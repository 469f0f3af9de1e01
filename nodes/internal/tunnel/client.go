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

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/watch"
)

// ClientOptions are those of the side behind the NAT.
type ClientOptions struct {
	// Relay is where the relay listens for clients.
	Relay addr.Remote
	// Forwards are the ports to publish, and where they lead.
	Forwards []Forward
	// Token is the secret that the relay asks for.
	Token []byte
	// Keepalive is as in Options.
	Keepalive time.Duration
	// MaxConnections bounds the TCP connections and UDP sessions at once. One more
	// is refused.
	MaxConnections int
	// ProxyProtocol has each TCP connection to a server begin with a header of the
	// PROXY protocol, version 2, which names the outside client.
	ProxyProtocol bool

	lineTimeout time.Duration // the default but in tests
}

// DefaultClientOptions returns what a client does unless told otherwise; relay,
// forwards and token have no default.
func DefaultClientOptions() ClientOptions {
	return ClientOptions{Keepalive: defaultKeepalive, lineTimeout: defaultLineTimeout, MaxConnections: DefaultOptions().MaxConnections}
}

func (o ClientOptions) check() error {
	switch {
	case len(o.Token) == 0:
		return errors.New("which token? Give --token or --token-file, the same as the relay's")
	case o.Keepalive <= 0:
		return fmt.Errorf("--keepalive %v: want a duration above 0", o.Keepalive)
	case o.MaxConnections < 1:
		return fmt.Errorf("--max-connections %d: want at least 1", o.MaxConnections)
	}
	return checkForwards(o.Forwards)
}

// Client is the side behind the NAT: it dials out to the relay, and connects to the
// servers for the outside.
type Client struct {
	options   ClientOptions
	events    *node.Events
	targets   map[Publication]addr.Remote
	watch     *watch.Watch
	slots     chan struct{} // one a connection or session
	published bool          // once, at least
}

// NewClient returns a client that has not dialed yet.
func NewClient(o ClientOptions, events *node.Events) (*Client, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &Client{
		options: o, events: events, targets: map[Publication]addr.Remote{},
		watch: watch.New(0), slots: make(chan struct{}, o.MaxConnections),
	}
	for _, f := range o.Forwards {
		c.targets[f.Publication] = f.Target
	}
	return c, nil
}

// Run publishes until ctx is cancelled, and dials again whenever the line is lost or
// there is none. A relay that refuses ends it, unless that may pass: once there was
// a tunnel, a port may be taken for as long as the relay believes in the old line.
func (c *Client) Run(ctx context.Context) error {
	var watching sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer watching.Wait()
	defer cancel()
	watching.Go(func() { c.watch.Run(ctx) })
	said := ""
	delay := backoff.First
	for {
		session, err := c.attach(ctx)
		switch {
		case ctx.Err() != nil:
			if session != nil {
				session.Close()
			}
			return nil
		case err == nil:
			said = ""
			if c.serve(ctx, session) > time.Second {
				delay = backoff.First
			}
		case c.final(err):
			return err
		default:
			if now := errno.Name(err); now != said {
				said = now
				c.printWaiting(err)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		delay = backoff.Pause(ctx, delay)
	}
}

// final reports whether there is no use in trying again after err.
func (c *Client) final(err error) bool {
	e := new(refusedError)
	if !errors.As(err, &e) {
		return errors.Is(err, errNotARelay) && !c.published
	}
	return e.status == badToken || !c.published
}

// errNotARelay is what does not speak this protocol, or does not have the token.
var errNotARelay = errors.New("not this relay")

// attach dials the relay, shows the token, and returns the session in which the ports
// are published.
func (c *Client) attach(ctx context.Context) (*yamux.Session, error) {
	remotes, err := dial.Resolve(ctx, c.options.Relay)
	if err != nil {
		return nil, err
	}
	conn, err := dial.TCP(ctx, remotes[0], dial.Options{Limit: openingLimit})
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c.printConnected(conn)
	at, err := c.shake(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	session, err := startSession(conn, clientSide, c.options.Keepalive, c.options.lineTimeout)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if at.IsUnspecified() {
		at = addr.Of(conn.RemoteAddr()).Addr()
	}
	c.published = true
	c.printPublished(at)
	return session, nil
}

// shake is the handshake. It returns the address that the ports are published on.
func (c *Client) shake(conn net.Conn) (netip.Addr, error) {
	at := c.options.Relay.String()
	if err := conn.SetDeadline(time.Now().Add(clientHandshakeLimit)); err != nil {
		return netip.Addr{}, err
	}
	b, err := readMessage(conn, challengeSize)
	if errors.Is(err, errMalformed) {
		return netip.Addr{}, fmt.Errorf("tunnel: %w: this is not a relay tunnel: %s", errNotARelay, at)
	}
	if err != nil {
		return netip.Addr{}, errno.Wrap("recv", err, at)
	}
	challenge, err := decodeChallenge(b)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("tunnel: %w: %w: %s", errNotARelay, err, at)
	}
	q := request{nonce: newNonce()}
	for _, f := range c.options.Forwards {
		q.ports = append(q.ports, f.Publication)
	}
	q.proof = prove(c.options.Token, clientSide, challenge, q.nonce, q.ports)
	if err := writeMessage(conn, encodeRequest(q)); err != nil {
		return netip.Addr{}, errno.Wrap("send", err, at)
	}
	if b, err = readMessage(conn, maxAnswerSize); err != nil {
		return netip.Addr{}, errno.Wrap("recv", err, at)
	}
	a, err := decodeAnswer(b)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("tunnel: %w: %w: %s", errNotARelay, err, at)
	}
	if a.status != granted {
		return netip.Addr{}, fmt.Errorf("tunnel: refused by %s: %w", at, &refusedError{status: a.status, text: a.text})
	}
	if !a.proof.equal(prove(c.options.Token, relaySide, challenge, q.nonce, q.ports)) {
		return netip.Addr{}, fmt.Errorf("tunnel: %w: it does not have the token: %s", errNotARelay, at)
	}
	return a.at, conn.SetDeadline(time.Time{})
}

// serve connects the streams that the relay opens, until the session ends. It returns
// how long that was.
func (c *Client) serve(ctx context.Context, session *yamux.Session) time.Duration {
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { session.Close() })
	defer stop()
	var all sync.WaitGroup
	for {
		s, err := session.AcceptStream()
		if err == nil {
			all.Go(func() { c.connect(ctx, s) })
			continue
		}
		if !session.IsClosed() {
			continue
		}
		stopped := ctx.Err() != nil
		cancel()
		session.Close()
		all.Wait()
		if took := time.Since(began); !stopped {
			c.printLost(err, took)
		}
		return time.Since(began)
	}
}

// connect is one stream.
func (c *Client) connect(ctx context.Context, s *yamux.Stream) {
	defer closeStream(s)
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	default:
		c.events.Print("limited", fmt.Sprintf("%d connections (--max-connections); another is refused", cap(c.slots)))
		return
	}
	_ = s.SetReadDeadline(time.Now().Add(openingLimit))
	o, err := readOpening(s)
	if err != nil {
		return
	}
	_ = s.SetReadDeadline(time.Time{})
	target, ok := c.targets[o.Publication]
	if !ok {
		return // not what was asked for
	}
	if o.Protocol == TCP {
		c.connectTCP(ctx, s, o, target)
	} else {
		c.connectUDP(ctx, s, o, target)
	}
}

func (c *Client) printConnected(conn net.Conn) {
	local, remote := addr.Of(conn.LocalAddr()), addr.Of(conn.RemoteAddr())
	c.events.Print("connected", fmt.Sprintf("%v -> %v", local, remote), slog.Any("local", local), slog.Any("remote", remote))
}

func (c *Client) printPublished(at netip.Addr) {
	for _, f := range c.options.Forwards {
		public := f.at(at)
		c.events.Print("published", fmt.Sprintf("%v %v = %v", f.Protocol, public, f.Target),
			slog.String("protocol", f.Protocol.String()), slog.Any("listen", public), slog.String("target", f.Target.String()))
	}
	c.events.Ready(fmt.Sprintf("tunnel to %v", c.options.Relay), slog.String("relay", c.options.Relay.String()))
}

func (c *Client) printLost(err error, took time.Duration) {
	c.events.Print("lost", fmt.Sprintf("%v after %.2f s: %s", c.options.Relay, took.Seconds(), lossOf(err)),
		slog.String("relay", c.options.Relay.String()), slog.Float64("seconds", took.Seconds()), slog.String("reason", lossOf(err)))
}

func (c *Client) printWaiting(err error) {
	c.events.Print("waiting", err.Error(), slog.String("reason", err.Error()))
}
