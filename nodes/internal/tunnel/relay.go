package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/watch"
)

// Relay is the public side: it listens for clients, and for the outside on the ports
// that they publish.
type Relay struct {
	options  Options
	events   *node.Events
	listener *net.TCPListener
	guesses  *guesses
	halfOpen halfOpen
	ports    portTable
	watch    *watch.Watch
	slots    chan struct{} // one an outside connection
	clients  chan struct{} // one a client
}

// Listen opens the socket that clients dial to.
func Listen(ctx context.Context, o Options, events *node.Events) (*Relay, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	// The line has its own keepalive, which tells more.
	config := net.ListenConfig{KeepAlive: -1}
	l, err := config.Listen(ctx, addr.Network("tcp", o.Listen), o.Listen.String())
	if err != nil {
		return nil, errno.Wrap("", err, "tcp "+o.Listen.String())
	}
	if !o.Publish.IsValid() {
		o.Publish = o.Listen.Addr()
	}
	return &Relay{
		options: o, events: events, listener: l.(*net.TCPListener),
		guesses: newGuesses(), halfOpen: halfOpen{sources: map[netip.Addr]int{}},
		ports: portTable{owners: map[Publication]*attached{}},
		watch: watch.New(o.Idle), slots: make(chan struct{}, o.MaxConnections),
		clients: make(chan struct{}, maxClients),
	}, nil
}

// Addr is where clients dial to.
func (r *Relay) Addr() netip.AddrPort { return addr.Of(r.listener.Addr()) }

// Serve serves clients until ctx is cancelled, then resets every connection. It
// returns when nothing is left.
func (r *Relay) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { r.listener.Close() })()
	all.Go(func() { r.watch.Run(ctx) })
	r.events.Ready(fmt.Sprintf("tunnel tcp %v, publishes %v ports %v", r.Addr(), r.options.Publish, r.options.Allowed),
		slog.Any("listen", r.Addr()), slog.String("ports", r.options.Allowed.String()))
	for c := range backoff.Accept(ctx, r.listener, r.printNotAccepted) {
		from := addr.Of(c.RemoteAddr())
		leave, ok := r.halfOpen.enter(from.Addr())
		if !ok {
			resetConn(c)
			continue
		}
		all.Go(func() { r.serveClient(ctx, c, from, leave) })
	}
	return nil
}

// serveClient is one client's connection, from its handshake on. It calls settled when
// the client has shown who it is, or has not.
func (r *Relay) serveClient(ctx context.Context, c *net.TCPConn, from netip.AddrPort, settled func()) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	q, challenge, err := r.challenge(c, from)
	settled()
	if err != nil {
		r.printRefused(ctx, from, err)
		return
	}
	a, err := r.admit(ctx, from, q.ports)
	if err != nil {
		r.refuse(c, err)
		r.printRefused(ctx, from, err)
		return
	}
	defer a.release()
	granting := answer{status: granted, proof: prove(r.options.Token, relaySide, challenge, q.nonce, q.ports), at: r.options.Publish}
	if err := errors.Join(writeMessage(c, encodeAnswer(granting)), c.SetDeadline(time.Time{})); err != nil {
		r.printRefused(ctx, from, errno.Wrap("send", err, ""))
		return
	}
	if !stop() {
		return // the relay is to stop
	}
	a.serve(ctx, c)
}

// refusedError is why a client is refused.
type refusedError struct {
	status status
	text   string
}

func (e *refusedError) Error() string { return e.text }

func refuseFor(s status, format string, args ...any) error {
	return &refusedError{status: s, text: fmt.Sprintf(format, args...)}
}

// challenge has the client prove that it has the token, and returns what it asks for.
func (r *Relay) challenge(c *net.TCPConn, from netip.AddrPort) (request, nonce, error) {
	if err := c.SetDeadline(time.Now().Add(handshakeLimit)); err != nil {
		return request{}, nonce{}, err
	}
	challenge := newNonce()
	if err := writeMessage(c, encodeChallenge(challenge)); err != nil {
		return request{}, nonce{}, errno.Wrap("send", err, "")
	}
	b, err := readMessage(c, maxRequestSize)
	if errors.Is(err, errMalformed) {
		return request{}, nonce{}, err
	}
	if err != nil {
		return request{}, nonce{}, errno.Wrap("no request: recv", err, "")
	}
	q, err := decodeRequest(b)
	if err != nil {
		return request{}, nonce{}, err
	}
	// What a source that guesses says is not even looked at.
	if wait := r.guesses.blocked(from.Addr(), time.Now()); wait > 0 {
		err := refuseFor(tooMany, "too many wrong tokens from %v; come again in %v", from.Addr(), wait.Round(time.Second))
		r.refuse(c, err)
		return request{}, nonce{}, err
	}
	if !q.proof.equal(prove(r.options.Token, clientSide, challenge, q.nonce, q.ports)) {
		r.guesses.wrong(from.Addr(), time.Now())
		err := refuseFor(badToken, "wrong token")
		r.refuse(c, err)
		return request{}, nonce{}, err
	}
	// From here on the client waits for others.
	return q, challenge, c.SetDeadline(time.Now().Add(clientHandshakeLimit))
}

// refuse tells the client why; that it has gone already is no matter.
func (r *Relay) refuse(c *net.TCPConn, err error) {
	a := answer{status: failed, text: err.Error()}
	if e := new(refusedError); errors.As(err, &e) {
		a.status = e.status
	}
	_ = writeMessage(c, encodeAnswer(a))
	// A socket closed with bytes unread resets the connection, and the answer may be
	// lost with it (RFC 9293 section 3.10.4).
	_ = c.CloseWrite()
	_, _ = io.CopyN(io.Discard, c, maxRequestSize)
}

// admit gives the client its ports and listens on them: on all, or with an error none.
func (r *Relay) admit(ctx context.Context, from netip.AddrPort, ports []Publication) (*attached, error) {
	for _, p := range ports {
		if !r.options.Allowed.Has(p) {
			return nil, refuseFor(forbidden, "%v is not among the ports that this relay publishes: %v", p, r.options.Allowed)
		}
	}
	select {
	case r.clients <- struct{}{}:
	default:
		return nil, refuseFor(tooMany, "%d clients are here already", maxClients)
	}
	a := newAttached(r, from, ports)
	if err := r.ports.claim(ctx, a); err != nil {
		<-r.clients
		return nil, err
	}
	if err := a.listen(ctx); err != nil {
		a.release()
		return nil, refuseFor(failed, "%v", err)
	}
	return a, nil
}
