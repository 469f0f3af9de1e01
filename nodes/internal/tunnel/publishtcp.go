package tunnel

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
)

// tcpPublisher accepts outside connections and carries each in a stream.
type tcpPublisher struct {
	*net.TCPListener
	client *attached
	port   Publication
}

func publishTCP(ctx context.Context, a *attached, p Publication) (publisher, error) {
	at := p.at(a.relay.options.Publish)
	// No keep-alive probes: they would be traffic that neither end has sent.
	config := net.ListenConfig{KeepAlive: -1}
	l, err := config.Listen(ctx, addr.Network("tcp", at), at.String())
	if err != nil {
		return nil, err
	}
	return &tcpPublisher{TCPListener: l.(*net.TCPListener), client: a, port: p}, nil
}

func (l *tcpPublisher) at() netip.AddrPort { return addr.Of(l.Addr()) }

func (l *tcpPublisher) close() { l.Close() }

func (l *tcpPublisher) serve(ctx context.Context) {
	defer context.AfterFunc(ctx, l.close)()
	var connections sync.WaitGroup
	defer connections.Wait()
	r := l.client.relay
	for c := range backoff.Accept(ctx, l.TCPListener, r.printNotAccepted) {
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			resetConn(c)
			return
		}
		connections.Go(func() {
			defer func() { <-r.slots }()
			l.carry(ctx, c)
		})
	}
}

// carry opens a stream for an outside connection and carries it.
func (l *tcpPublisher) carry(ctx context.Context, c *net.TCPConn) {
	defer c.Close()
	r := l.client.relay
	o := opening{Publication: l.port, source: addr.Of(c.RemoteAddr()), dialed: addr.Of(c.LocalAddr())}
	r.printAccepted(l.client, o)
	began := time.Now()
	k := &carrier{conn: c, here: outside}
	var err error
	if k.stream, err = l.client.session.OpenStream(); err == nil {
		_, err = k.stream.Write(encodeOpening(o))
	}
	if err != nil {
		resetConn(c)
		if k.stream != nil {
			k.stream.Close()
		}
		r.printClosed(l.client, o, end{why: lost}, 0, 0, time.Since(began))
		return
	}
	defer r.watch.Add(k)()
	// When the client goes, its session closes the stream with it.
	defer context.AfterFunc(ctx, func() { k.abort(end{why: lost}) })()
	e := k.carry()
	r.printClosed(l.client, o, e, k.sent.Load(), k.received.Load(), time.Since(began))
}
