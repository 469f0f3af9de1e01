package turn

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// The waits between one sending of a request and the next over UDP, and after the last
// (RFC 8489 section 6.2.1, with fewer repetitions: a reader waits).
var retransmissions = []time.Duration{
	250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second,
}

// request makes a request and waits for its success. A challenge (401) is met once, and
// a stale nonce (438) once for each request (RFC 8489 section 9.2.5).
func (c *Client) request(ctx context.Context, method stun.Method, set ...stun.Setter) (*stun.Message, error) {
	for try := 0; ; try++ {
		all := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, set...)
		signed := len(c.nonce) > 0
		if signed {
			all = append(all, stun.NewUsername(c.config.User), c.realm, c.nonce, c.key)
		}
		m, err := c.transact(ctx, append(all, stun.Fingerprint))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", method, err)
		}
		if m.Type.Class == stun.ClassSuccessResponse {
			// RFC 8489 section 9.2.5: what is not signed is not from the server.
			if signed && c.key.Check(m) != nil {
				return nil, fmt.Errorf("%s: the answer's MESSAGE-INTEGRITY is wrong", method)
			}
			return m, nil
		}
		var code stun.ErrorCodeAttribute
		if err := code.GetFrom(m); err != nil {
			return nil, fmt.Errorf("%s: an error without a code", method)
		}
		again := code.Code == stun.CodeUnauthorized && !signed || code.Code == stun.CodeStaleNonce
		if !again || try > 1 || c.challenge(m) != nil {
			return nil, &Error{method, int(code.Code), string(code.Reason)}
		}
	}
}

// challenge takes the realm and the nonce of an error response.
func (c *Client) challenge(m *stun.Message) error {
	var realm stun.Realm
	var nonce stun.Nonce
	if err := errors.Join(realm.GetFrom(m), nonce.GetFrom(m)); err != nil {
		return err
	}
	c.realm, c.nonce = realm, nonce
	c.key = stun.NewLongTermIntegrity(c.config.User, realm.String(), c.config.Password)
	return nil
}

// transact sends a request, over UDP again and again, until it is answered.
func (c *Client) transact(ctx context.Context, set []stun.Setter) (*stun.Message, error) {
	m, err := stun.Build(set...)
	if err != nil {
		return nil, err
	}
	answer := make(chan result, 1)
	c.mu.Lock()
	c.waiting[m.TransactionID] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, m.TransactionID)
		c.mu.Unlock()
	}()
	for i, wait := range retransmissions {
		if i == 0 || !c.config.TCP {
			if _, err := c.conn.Write(m.Raw); err != nil {
				return nil, errno.Wrap("", err, "")
			}
		}
		t := time.NewTimer(wait)
		select {
		case got := <-answer:
			t.Stop()
			if got.err != nil {
				return nil, errno.Wrap("", got.err, "")
			}
			return got.m, nil
		case <-t.C:
		case <-c.gone:
			t.Stop()
			return nil, errno.Wrap("", c.failure(), "")
		case <-ctx.Done():
			t.Stop()
			return nil, context.Cause(ctx)
		}
	}
	return nil, ErrNoAnswer
}

// address reads an address of an answer, as XOR-PEER-ADDRESS is written.
func (c *Client) address(m *stun.Message, t stun.AttrType) (netip.AddrPort, error) {
	v, err := m.Get(t)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("the answer has no %s", t)
	}
	return parsePeer(v, m.Raw[4:stunHeader])
}

func lifetimeOf(m *stun.Message) (time.Duration, error) {
	v, err := m.Get(stun.AttrLifetime)
	if err != nil || len(v) != 4 {
		return 0, errors.New("the answer has no LIFETIME")
	}
	return time.Duration(binary.BigEndian.Uint32(v)) * time.Second, nil
}

func lifetimeAttr(d time.Duration) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrLifetime, Value: binary.BigEndian.AppendUint32(nil, uint32(d/time.Second))}
}

func channelAttr(number uint16) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{byte(number >> 8), byte(number), 0, 0}}
}

// peer is an XOR-PEER-ADDRESS.
type peer netip.AddrPort

func peerAttr(a netip.AddrPort) stun.Setter { return peer(a) }

// AddTo adds the attribute to a message, in the form in which the address was written:
// the IPv6 form of an IPv4 address is the server's to see through.
func (p peer) AddTo(m *stun.Message) error {
	mask := append(binary.BigEndian.AppendUint32(nil, cookie), m.TransactionID[:]...)
	m.Add(stun.AttrXORPeerAddress, appendPeer(nil, netip.AddrPort(p), mask))
	return nil
}
