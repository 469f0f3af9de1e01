package turn

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// maxQueue bounds the requests that wait.
const maxQueue = 512

// control stands between one side's clients and pion/turn, to which it is the
// server's socket. One goroutine, pion/turn's, takes the requests one after the other:
// it asks ReadFrom for the next, handles it, and answers by WriteTo before it asks
// again. So the request at hand is the one that every call of pion/turn is about.
type control struct {
	relay *Server
	side  side
	queue chan request
	done  <-chan struct{}
	turn  *turn.Server
	local net.Addr
	at    *request // at hand; nil when pion/turn's own nonce is asked for
	nonce string   // pion/turn's, with which requests are handed to it
	since time.Time
}

// newControl starts pion/turn for a side. It ends with ctx.
func newControl(ctx context.Context, s *Server, side side, queue chan request) (*control, error) {
	c := &control{
		relay: s, side: side, queue: queue, done: ctx.Done(),
		local: net.UDPAddrFromAddrPort(side.addr()),
	}
	var err error
	c.turn, err = turn.NewServer(turn.ServerConfig{
		LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
		Realm:         s.config.Users.realm,
		AuthHandler: func(*turn.RequestAttributes) (string, []byte, bool) {
			return c.at.id, c.at.key, c.at.authenticated
		},
		QuotaHandler: func(user, _ string, _ net.Addr) bool { return s.table.mayAdd(user, &s.config) },
		EventHandler: c.events(),
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn: c, RelayAddressGenerator: generator{c},
			// Checked before it comes to that; here nothing passes that was not.
			PermissionHandler: func(_ net.Addr, peer net.IP) bool { return c.at.names(plain(peer)) },
		}},
		AllocationLifetime: s.config.Lifetime,
		PermissionTimeout:  s.config.PermissionLifetime,
		ChannelBindTimeout: s.config.ChannelLifetime,
		InboundMTU:         maxRequest + 1,
	})
	return c, err
}

// maxRequest bounds a request, in bytes: no credential is that long.
const maxRequest = 4096

// ReadFrom hands the next request that is authentic and may be to pion/turn.
func (c *control) ReadFrom(p []byte) (int, net.Addr, error) {
	c.finish()
	for {
		if time.Since(c.since) > nonceLifetime/2 {
			return c.askNonce(p)
		}
		select {
		case <-c.done:
			return 0, nil, net.ErrClosed
		case r := <-c.queue:
			c.at = &r
			if n := c.admit(&r, p); n > 0 {
				return n, net.UDPAddrFromAddrPort(r.flow.client), nil
			}
		}
	}
}

// askNonce asks pion/turn for a nonce, which it takes for half an hour at least.
func (c *control) askNonce(p []byte) (int, net.Addr, error) {
	c.at, c.since = nil, time.Now()
	m, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest))
	if err != nil {
		return 0, nil, err
	}
	return copy(p, m.Raw), c.local, nil
}

// admit authenticates and inspects a request and writes it to p as pion/turn is to see
// it. If it must not pass, it is answered, and the result is 0.
func (c *control) admit(r *request, p []byte) int {
	r.message.Raw = r.raw
	if r.message.Decode() != nil {
		return 0
	}
	if r.message.Type.Method == stun.MethodBinding {
		return copy(p, r.raw)
	}
	no := c.relay.authenticate(r, time.Now())
	if no == nil {
		r.authenticated = true
		no = c.relay.inspect(r)
	}
	if no != nil {
		c.refuse(r, *no)
		return 0
	}
	m, err := c.sign(r)
	if err != nil {
		c.refuse(r, refusal{stun.CodeBadRequest, err.Error()})
		return 0
	}
	return copy(p, m)
}

// sign makes the request anew with pion/turn's own nonce: ours holds for one client
// alone, and pion/turn's for every one.
func (c *control) sign(r *request) ([]byte, error) {
	set := []stun.Setter{stun.NewTransactionIDSetter(r.message.TransactionID), r.message.Type}
	for _, a := range r.message.Attributes {
		switch a.Type {
		case stun.AttrNonce:
			set = append(set, stun.NewNonce(c.nonce))
		case stun.AttrLifetime:
			set = append(set, c.lifetime(a))
		case stun.AttrMessageIntegrity, stun.AttrMessageIntegritySHA256, stun.AttrFingerprint:
		default:
			set = append(set, a)
		}
	}
	m, err := stun.Build(append(set, stun.MessageIntegrity(r.key))...)
	if err != nil {
		return nil, err
	}
	if len(m.Raw) > maxRequest {
		return nil, errLong
	}
	return m.Raw, nil
}

// WriteTo takes pion/turn's answer to the request at hand and sends it.
func (c *control) WriteTo(b []byte, _ net.Addr) (int, error) {
	var m stun.Message
	m.Raw = b
	if err := m.Decode(); err != nil {
		return 0, err
	}
	if c.at == nil { // its nonce
		var nonce stun.Nonce
		if err := nonce.GetFrom(&m); err != nil {
			return 0, err
		}
		c.nonce = nonce.String()
		return len(b), nil
	}
	r := c.at
	r.answered = true
	if m.Type.Class == stun.ClassErrorResponse {
		c.translate(r, &m)
		return len(b), nil
	}
	c.relay.journal.granted(r, &m)
	return len(b), r.side.send(r.flow, b)
}

// translate sends an error response of pion/turn's, with integrity, which some of its
// have not, or with the code that says better what is wrong.
func (c *control) translate(r *request, m *stun.Message) {
	var code stun.ErrorCodeAttribute
	no := refusal{stun.CodeServerError, "no reason given"}
	if code.GetFrom(m) == nil {
		no = refusal{code.Code, string(code.Reason)}
	}
	if r.veto != 0 {
		no = refusal{r.veto, r.why}
	}
	var unknown stun.UnknownAttributes
	if unknown.GetFrom(m) == nil {
		c.refuse(r, no, unknown)
		return
	}
	c.refuse(r, no)
}

// finish sees to it that a request at hand has an answer.
func (c *control) finish() {
	if r := c.at; r != nil && !r.answered {
		c.refuse(r, refusal{stun.CodeServerError, "no answer"})
	}
	c.at = nil
}

// refuse answers with an error.
func (c *control) refuse(r *request, no refusal, more ...stun.Setter) {
	r.answered = true
	if r.releases {
		if a := r.side.find(r.flow); a != nil {
			a.released.Store(false)
		}
	}
	set := append([]stun.Setter{
		stun.NewTransactionIDSetter(r.message.TransactionID),
		stun.NewType(r.message.Type.Method, stun.ClassErrorResponse), no.code,
	}, more...)
	if no.code == stun.CodeUnauthorized || no.code == stun.CodeStaleNonce {
		set = append(set, stun.NewRealm(c.relay.config.Users.realm), stun.NewNonce(c.relay.nonces.make(r.flow.client, time.Now())))
	}
	if r.authenticated {
		set = append(set, stun.MessageIntegrity(r.key))
	}
	m, err := stun.Build(set...)
	if err != nil {
		return
	}
	_ = r.side.send(r.flow, m.Raw) // he will ask again
	c.relay.journal.refused(r, no)
}

// Close is pion/turn's; the control ends with its context.
func (c *control) Close() error                     { return nil }
func (c *control) LocalAddr() net.Addr              { return c.local }
func (c *control) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (c *control) SetReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (c *control) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

// events follow the permissions and channels that pion/turn keeps.
func (c *control) events() turn.EventHandler {
	t := c.relay.table
	return turn.EventHandler{
		OnPermissionCreated: func(_, _ net.Addr, _, _, _ string, relayed net.Addr, peer net.IP) {
			if a := t.at(addr.Of(relayed)); a != nil {
				p := plain(peer)
				a.permit(p, c.at.own[p])
				c.relay.journal.permitted(a, p)
			}
		},
		OnPermissionDeleted: func(_, _ net.Addr, _, _, _ string, relayed net.Addr, peer net.IP) {
			if a := t.at(addr.Of(relayed)); a != nil {
				a.forbid(plain(peer))
			}
		},
		OnChannelCreated: func(_, _ net.Addr, _, _, _ string, relayed, peer net.Addr, number uint16) {
			if a := t.at(addr.Of(relayed)); a != nil {
				a.bindChannel(number, addr.Of(peer))
				c.relay.journal.bound(a, number, addr.Of(peer))
			}
		},
		OnChannelDeleted: func(_, _ net.Addr, _, _, _ string, relayed, _ net.Addr, number uint16) {
			if a := t.at(addr.Of(relayed)); a != nil {
				a.unbindChannel(number)
			}
		},
	}
}

func plain(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
