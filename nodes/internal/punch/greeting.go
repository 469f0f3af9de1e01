package punch

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"
)

// Kinds of packets on a TCP connection, before the conversation.
const (
	hello kind = 10 // a challenge of the sender's
	proof kind = 11 // both challenges, the sender's first: it is there now, and is the peer
	take  kind = 12 // likewise: the one who leads takes this connection
	taken kind = 13 // likewise: and the other knows
)

const challengeSize = 16

// greetingLimit is how long a connection may take to prove that it is the peer's.
const greetingLimit = 3 * time.Second

// greeting is a TCP connection on which the two ends prove to each other that they are
// the peers of this meeting. The conversation follows.
type greeting struct {
	*net.TCPConn
	codec     codec
	own, peer [challengeSize]byte
	lost      bool // the other end has closed it
}

// greet proves it, or fails.
func greet(c *net.TCPConn, k codec) (*greeting, error) {
	g := &greeting{TCPConn: c, codec: k}
	_, _ = rand.Read(g.own[:]) // never fails
	if err := c.SetDeadline(time.Now().Add(greetingLimit)); err != nil {
		return nil, err
	}
	if err := g.send(hello, g.own[:]); err != nil {
		return nil, err
	}
	challenge, err := g.receive(hello, challengeSize)
	if err != nil {
		return nil, err
	}
	copy(g.peer[:], challenge)
	if err := g.send(proof, g.both()); err != nil {
		return nil, err
	}
	return g, g.expect(proof)
}

// both is the two challenges as this side says them.
func (g *greeting) both() []byte { return append(append([]byte{}, g.own[:]...), g.peer[:]...) }

func (g *greeting) send(k kind, payload []byte) error {
	_, err := g.Write(g.codec.seal(packet{kind: k, payload: payload}))
	return err
}

// expect receives a packet of a kind with both challenges.
func (g *greeting) expect(k kind) error {
	got, err := g.receive(k, 2*challengeSize)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, append(append([]byte{}, g.peer[:]...), g.own[:]...)) {
		return errForged
	}
	return nil
}

// receive reads a packet of a kind, and no byte more: what follows may be the
// conversation's.
func (g *greeting) receive(k kind, size int) ([]byte, error) {
	b := make([]byte, overhead+size)
	if _, err := io.ReadFull(g, b); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		return nil, err
	}
	if int(binary.BigEndian.Uint16(b[6:])) != size {
		return nil, errForged
	}
	p, err := g.codec.open(b)
	if err != nil || p.kind != k {
		return nil, errForged
	}
	return p.payload, nil
}

// claim is the leader's: it takes the connection.
func (g *greeting) claim() error {
	if err := g.SetDeadline(time.Now().Add(greetingLimit)); err != nil {
		return err
	}
	if err := g.send(take, g.both()); err != nil {
		return err
	}
	if err := g.expect(taken); err != nil {
		return err
	}
	return g.SetDeadline(time.Time{})
}

// await is the other's: it waits until the leader takes the connection, which may be
// never.
func (g *greeting) await() error {
	if err := g.SetDeadline(time.Time{}); err != nil {
		return err
	}
	if err := g.expect(take); err != nil {
		return err
	}
	return g.send(taken, g.both())
}
