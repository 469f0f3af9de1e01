package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/yamux"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// attached is a client that has shown the token, and its published ports.
type attached struct {
	relay *Relay
	from  netip.AddrPort
	ports []Publication
	began time.Time

	listeners []publisher
	session   *yamux.Session
	started   chan struct{} // there is a session
	evicted   chan struct{} // another client was given the ports
	released  chan struct{} // the ports are free
	evictOnce sync.Once
}

// publisher is a published port.
type publisher interface {
	// serve carries what arrives until ctx is cancelled, and returns when nothing of
	// it is left.
	serve(ctx context.Context)
	at() netip.AddrPort
	close()
}

func newAttached(r *Relay, from netip.AddrPort, ports []Publication) *attached {
	return &attached{
		relay: r, from: from, ports: slices.Clone(ports), began: time.Now(),
		started: make(chan struct{}), evicted: make(chan struct{}), released: make(chan struct{}),
	}
}

// listen opens the listening sockets of all ports.
func (a *attached) listen(ctx context.Context) error {
	for _, p := range a.ports {
		var l publisher
		var err error
		if p.Protocol == TCP {
			l, err = publishTCP(ctx, a, p)
		} else {
			l, err = publishUDP(ctx, a, p)
		}
		if err != nil {
			return errno.Wrap("", err, fmt.Sprintf("%v %v", p.Protocol, p.at(a.relay.options.Publish)))
		}
		a.listeners = append(a.listeners, l)
	}
	return nil
}

// serve publishes until the line is lost or ctx is cancelled.
func (a *attached) serve(ctx context.Context, c net.Conn) {
	session, err := startSession(c, relaySide, a.relay.options.Keepalive, defaultLineTimeout)
	if err != nil {
		return
	}
	a.session = session
	close(a.started)
	a.relay.printPublished(a)
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { session.Close() })
	defer stop()
	var all sync.WaitGroup
	for _, l := range a.listeners {
		all.Go(func() { l.serve(ctx) })
	}
	all.Go(func() {
		select {
		case <-a.evicted:
			session.Close()
		case <-session.CloseChan():
		}
	})
	reason := refuseStreams(session)
	cancel()
	session.Close()
	all.Wait()
	a.relay.printLeft(a, reason)
}

// refuseStreams closes what streams the client opens, for it has none to open, and
// returns why the session ended.
func refuseStreams(session *yamux.Session) error {
	for {
		s, err := session.AcceptStream()
		if err == nil {
			s.Close()
			continue
		}
		if session.IsClosed() {
			return err
		}
	}
}

// alive reports whether the client answers.
func (a *attached) alive(ctx context.Context) bool {
	limit := time.NewTimer(aliveLimit)
	defer limit.Stop()
	select {
	case <-a.started:
	case <-a.released:
		return false
	case <-limit.C:
		return true // its handshake has a limit of its own
	case <-ctx.Done():
		return true
	}
	answered := make(chan error, 1) // the ping ends by itself, with the session at the latest
	go func() {
		_, err := a.session.Ping()
		answered <- err
	}()
	select {
	case err := <-answered:
		return err == nil
	case <-limit.C:
		return false
	case <-ctx.Done():
		return true
	}
}

// evict ends the client, since it is dead and another wants its ports.
func (a *attached) evict() { a.evictOnce.Do(func() { close(a.evicted) }) }

// release gives the ports back.
func (a *attached) release() {
	for _, l := range a.listeners {
		l.close()
	}
	a.relay.ports.release(a)
	<-a.relay.clients
	close(a.released)
}

// reasonOf words why a session ended.
func reasonOf(a *attached, err error) string {
	select {
	case <-a.evicted:
		return "it no longer answers, and another client wants its port"
	default:
	}
	return lossOf(err)
}

// lossOf words an error of the line.
func lossOf(err error) string {
	switch {
	case errors.Is(err, yamux.ErrKeepAliveTimeout):
		return "no answer to keepalive"
	case errors.Is(err, io.EOF):
		return "FIN"
	case errors.Is(err, yamux.ErrSessionShutdown):
		return "stopped"
	}
	return errno.Text(err)
}

func portAttrs(ports []Publication) slog.Attr {
	texts := make([]string, len(ports))
	for i, p := range ports {
		texts[i] = p.String()
	}
	return slog.Any("ports", texts)
}
