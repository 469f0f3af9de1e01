package punch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// station is this side's TCP connection to the rendezvous, made again when it breaks.
// It comes from the port that is punched from, so that the rendezvous observes a mapping
// that the peer can use.
type station struct {
	config *Config
	events *node.Events
	local  netip.AddrPort
	server netip.AddrPort

	changed chan struct{} // has an element when there is something new
	done    chan struct{} // closed when run has ended
	stop    context.CancelFunc

	mu     sync.Mutex
	guest  *rendezvous.Guest
	conn   *net.TCPConn // nil while there is none
	due    chan struct{}
	err    error // why it ended
	rtt    time.Duration
	known  bool // that this side is registered was printed
	redial bool // it was connected before
}

// openStation begins to connect and to register. close must be called.
func openStation(ctx context.Context, c *Config, local, server netip.AddrPort) *station {
	ctx, stop := context.WithCancel(ctx)
	s := &station{
		config: c, events: node.From(ctx), local: local, server: server,
		changed: make(chan struct{}, 1), done: make(chan struct{}), stop: stop, due: make(chan struct{}, 1),
	}
	go func() {
		defer close(s.done)
		err := s.run(ctx)
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
		poke(s.changed)
	}()
	return s
}

// poke puts an element into c, if there is none.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// close breaks the connection.
func (s *station) close() {
	s.stop()
	<-s.done
}

// snapshot is what a station knows at a moment.
type snapshot struct {
	rendezvous.Status
	met, answered, known, failed bool
	leads                        bool
	err                          error
}

func (s *station) now() snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.guest == nil {
		return snapshot{err: s.err}
	}
	g := s.guest
	now := snapshot{Status: g.Status(), answered: g.Answered(), known: g.Known(), failed: g.Failed(), err: s.err}
	var err error
	if now.met, err = g.Met(); now.err == nil {
		now.err = err
	}
	if now.Peer != nil {
		now.leads = now.Peer.Nonce.Less(g.Nonce())
	}
	return now
}

// codec authenticates what the two peers say to each other.
func (s *station) codec() (codec, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.guest.PeerKey()
	if err != nil {
		return codec{}, err
	}
	return codec{key: key, leads: s.guest.Status().Peer.Nonce.Less(s.guest.Nonce())}, nil
}

// set takes this side further, and has it told.
func (s *station) set(state rendezvous.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.guest != nil && s.guest.Set(state) {
		poke(s.due)
	}
}

// leave takes leave of the rendezvous, waits a little until it knows, and closes.
func (s *station) leave() {
	s.set(rendezvous.StateLeft)
	t := time.NewTimer(farewells * farewellWait)
	defer t.Stop()
	for now := s.now(); now.answered && !now.known; now = s.now() {
		select {
		case <-s.changed:
		case <-s.done:
			return
		case <-t.C:
			s.close()
			return
		}
	}
	s.close()
}

// run connects, and connects again, until ctx is done or the rendezvous refuses.
func (s *station) run(ctx context.Context) error {
	delay := backoff.First
	for {
		err := s.visit(ctx)
		var refused *rendezvous.RefusedError
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, &refused):
			return fmt.Errorf("%v refuses: %w", s.server, refused)
		case s.hasLeft():
			return nil
		case !s.redial && !s.config.Stay:
			return err
		}
		if s.redial {
			s.events.Print("lost", fmt.Sprintf("%v; registering again", s.server), slog.Any("server", s.server))
		}
		delay = backoff.Pause(ctx, delay)
	}
}

func (s *station) hasLeft() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.guest != nil && s.guest.State() == rendezvous.StateLeft
}

// visit connects once, and talks until the connection breaks.
func (s *station) visit(ctx context.Context) error {
	begin := time.Now()
	c, err := dialFrom(ctx, s.local, s.server, s.config.Timeout)
	if err != nil {
		return explain(err, s.local, s.server, s.config.Timeout)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := s.connected(c, time.Since(begin)); err != nil {
		return err
	}
	ended := make(chan struct{})
	defer func() { <-ended }()
	talking, end := context.WithCancel(ctx)
	defer end()
	go func() {
		defer close(ended)
		s.talk(talking, c)
	}()
	err = s.listen(c)
	// No TIME_WAIT: the next connection goes from the same port to the same server.
	// Whoever waits for the server's FIN has read it by now.
	_ = c.SetLinger(0)
	return err
}

// connected makes the guest, and has it begin anew on c.
func (s *station) connected(c *net.TCPConn, rtt time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.guest == nil {
		token, err := rendezvous.NewToken(s.config.Token, s.config.use(false))
		if err != nil {
			return err
		}
		s.rtt = rtt
		s.guest, err = rendezvous.NewGuest(token, []netip.AddrPort{s.local}, note{RTT: rtt.Microseconds(), Relay: s.config.fallsBack()}.encode())
		if err != nil {
			return err
		}
	}
	s.guest.Forget()
	s.conn, s.redial = c, true
	return nil
}

// talk sends each request when it is due.
func (s *station) talk(ctx context.Context, c *net.TCPConn) {
	for {
		s.mu.Lock()
		b, wait := s.guest.Request()
		if !s.guest.Known() { // over TCP nothing is lost that has to be repeated soon
			wait = max(wait, time.Second)
		}
		s.mu.Unlock()
		s.write(c, b)
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-s.due:
		case <-ctx.Done():
			t.Stop()
			return
		}
		t.Stop()
	}
}

// write writes a message. If the server does not take it the connection is broken.
func (s *station) write(c *net.TCPConn, b []byte) {
	if c.SetWriteDeadline(time.Now().Add(s.config.Timeout)) != nil {
		return
	}
	if _, err := c.Write(b); err != nil {
		c.Close()
	}
}

// listen takes what the server says until the connection ends.
func (s *station) listen(c *net.TCPConn) error {
	for {
		b, err := rendezvous.ReadMessage(c)
		if err != nil {
			return err
		}
		s.mu.Lock()
		next, err := s.guest.Receive(b)
		observed, news := s.guest.Observed(), s.guest.Known() && !s.known
		s.known = s.known || news
		if news { // printed before anybody sees what follows from it
			printRegistered(s.events, addr.Of(c.LocalAddr()), s.server, observed)
		}
		s.mu.Unlock()
		if err != nil {
			return err
		}
		if len(next) > 0 {
			s.write(c, next)
		}
		poke(s.changed)
	}
}
