package turn

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
)

// ClientConfig says which server a client uses, and as whom.
type ClientConfig struct {
	Server         netip.AddrPort
	TCP            bool
	Local          netip.AddrPort // to bind to; the zero value leaves it to the kernel
	User, Password string
}

// Client is a TURN client, step by step: nothing is refreshed, permitted or bound that
// its user has not asked for.
type Client struct {
	config ClientConfig
	conn   net.Conn
	reader sync.WaitGroup

	realm stun.Realm
	nonce stun.Nonce
	key   stun.MessageIntegrity

	mu       sync.Mutex
	waiting  map[[stun.TransactionIDSize]byte]chan result
	channels map[uint16]netip.AddrPort
	numbers  map[netip.AddrPort]uint16
	data     chan Datagram
	failed   error
	gone     chan struct{}
}

// Datagram is what a peer sent.
type Datagram struct {
	Peer    netip.AddrPort
	Data    []byte
	Channel uint16 // by which it came; 0 for a Data indication
}

// Granted is an allocation.
type Granted struct {
	Relayed  netip.AddrPort // at which peers reach the client
	Observed netip.AddrPort // of the client, as the server sees it
	Lifetime time.Duration
}

// Error is an error response of a server.
type Error struct {
	Method stun.Method
	Code   int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %d %s", e.Method, e.Code, e.Reason) }

// ErrNoAnswer is a request that nobody has answered.
var ErrNoAnswer = errors.New("no answer")

// dataQueue bounds the datagrams that wait to be received; more are dropped.
const dataQueue = 256

// Dial opens the socket to a server. Over UDP nothing is sent yet.
func Dial(ctx context.Context, c ClientConfig) (*Client, error) {
	var conn net.Conn
	var err error
	if c.TCP {
		conn, err = dial.TCP(ctx, c.Server, dial.Options{Local: c.Local})
	} else {
		conn, err = dial.UDP(ctx, c.Server, dial.Options{Local: c.Local})
	}
	if err != nil {
		return nil, err
	}
	cl := &Client{
		config: c, conn: conn,
		waiting:  map[[stun.TransactionIDSize]byte]chan result{},
		channels: map[uint16]netip.AddrPort{}, numbers: map[netip.AddrPort]uint16{},
		data: make(chan Datagram, dataQueue), gone: make(chan struct{}),
	}
	cl.reader.Go(cl.read)
	return cl, nil
}

// Close closes the socket. The allocation stays until its lifetime is over, over TCP
// until the server sees the end; Release ends it at once.
func (c *Client) Close() {
	c.conn.Close()
	c.reader.Wait()
}

// LocalAddr is the client's own transport address.
func (c *Client) LocalAddr() netip.AddrPort { return addr.Of(c.conn.LocalAddr()) }

// read takes what comes until the socket is closed.
func (c *Client) read() {
	defer close(c.gone)
	r := bufio.NewReader(c.conn)
	buf := make([]byte, 1<<16)
	for {
		b, err := c.readMessage(r, buf)
		switch {
		case err == nil:
			c.handle(b)
		case c.config.TCP || errors.Is(err, net.ErrClosed):
			c.mu.Lock()
			c.failed = err
			c.mu.Unlock()
			return
		default: // an ICMP error, which is an answer to what was sent last
			c.fail(err)
		}
	}
}

// result is what came of a request.
type result struct {
	m   *stun.Message
	err error
}

// fail ends the requests that wait.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, answer := range c.waiting {
		delete(c.waiting, id)
		answer <- result{err: err}
	}
}

func (c *Client) readMessage(r *bufio.Reader, buf []byte) ([]byte, error) {
	if c.config.TCP {
		return readFrame(r)
	}
	n, err := c.conn.Read(buf)
	return buf[:n], err
}

func (c *Client) handle(b []byte) {
	if isChannelData(b) {
		number, data, err := parseChannelData(b)
		c.mu.Lock()
		peer, ok := c.channels[number]
		c.mu.Unlock()
		if err == nil && ok {
			c.received(Datagram{peer, append([]byte(nil), data...), number})
		}
		return
	}
	if checkHeader(b) != nil {
		return
	}
	if binary.BigEndian.Uint16(b) == dataIndication {
		if peer, data, err := parseData(b); err == nil {
			c.received(Datagram{Peer: peer, Data: append([]byte(nil), data...)})
		}
		return
	}
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil {
		return
	}
	c.mu.Lock()
	answer := c.waiting[m.TransactionID]
	delete(c.waiting, m.TransactionID)
	c.mu.Unlock()
	if answer != nil {
		answer <- result{m: m}
	}
}

func (c *Client) received(d Datagram) {
	select {
	case c.data <- d:
	default:
	}
}

// Allocate asks for an allocation; with a lifetime of 0 for as long as the server gives.
func (c *Client) Allocate(ctx context.Context, lifetime time.Duration) (Granted, error) {
	set := []stun.Setter{stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}}}
	if c.config.Server.Addr().Is6() {
		set = append(set, stun.RawAttribute{Type: stun.AttrRequestedAddressFamily, Value: []byte{2, 0, 0, 0}})
	}
	if lifetime > 0 {
		set = append(set, lifetimeAttr(lifetime))
	}
	m, err := c.request(ctx, stun.MethodAllocate, set...)
	if err != nil {
		return Granted{}, err
	}
	var g Granted
	if g.Relayed, err = c.address(m, stun.AttrXORRelayedAddress); err != nil {
		return Granted{}, err
	}
	if g.Observed, err = c.address(m, stun.AttrXORMappedAddress); err != nil {
		return Granted{}, err
	}
	g.Lifetime, err = lifetimeOf(m)
	return g, err
}

// Refresh asks for a lifetime from now on, and returns what is granted.
func (c *Client) Refresh(ctx context.Context, lifetime time.Duration) (time.Duration, error) {
	m, err := c.request(ctx, stun.MethodRefresh, lifetimeAttr(lifetime))
	if err != nil {
		return 0, err
	}
	return lifetimeOf(m)
}

// Release ends the allocation.
func (c *Client) Release(ctx context.Context) error {
	_, err := c.Refresh(ctx, 0)
	return err
}

// Permit lets the addresses of peers send to the relayed transport address, and be sent
// to. Their ports do not count (RFC 8656 section 9).
func (c *Client) Permit(ctx context.Context, peers ...netip.AddrPort) error {
	var set []stun.Setter
	for _, p := range peers {
		set = append(set, peerAttr(p))
	}
	_, err := c.request(ctx, stun.MethodCreatePermission, set...)
	return err
}

// Bind binds a channel to a peer, which permits it as well. What is sent to that peer
// goes by the channel from now on.
func (c *Client) Bind(ctx context.Context, number uint16, peer netip.AddrPort) error {
	_, err := c.request(ctx, stun.MethodChannelBind,
		channelAttr(number), peerAttr(peer))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.channels[number], c.numbers[peer] = peer, number
	return nil
}

// Send sends to a peer, and returns how many bytes went to the server for it.
func (c *Client) Send(peer netip.AddrPort, data []byte) (int, error) {
	c.mu.Lock()
	number := c.numbers[peer]
	c.mu.Unlock()
	var b []byte
	if number != 0 {
		b = appendChannelData(nil, number, data)
		if c.config.TCP {
			b = append(b, make([]byte, -len(data)&3)...)
		}
	} else {
		b = appendData(nil, sendIndication, randomID(), peer, data)
	}
	return c.conn.Write(b)
}

// Receive returns what a peer sent.
func (c *Client) Receive(ctx context.Context) (Datagram, error) {
	select {
	case d := <-c.data:
		return d, nil
	case <-ctx.Done():
		return Datagram{}, ctx.Err()
	case <-c.gone:
		return Datagram{}, c.failure()
	}
}

func (c *Client) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}
