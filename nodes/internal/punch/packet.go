package punch

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// kind is what a packet between peers is.
type kind uint8

const (
	ping kind = 1 // is anybody there? Answered by a pong with the same number
	pong kind = 2
	data kind = 3 // a datagram of the conversation; numbered in order
	bye  kind = 4 // the conversation is over. Answered by a farewell
	wave kind = 5 // the farewell
)

// flags of a ping.
const nominate = 1 // the one who leads takes this path

const (
	packetMagic  = "clp1" // neither STUN nor a message of a rendezvous
	packetHeader = 16
	macSize      = 16
	overhead     = packetHeader + macSize

	// maxPayload is what fits into a datagram over IPv4 beside the overhead.
	maxPayload = 65507 - overhead
)

var errForged = errors.New("not from the peer")

// packet is what peers send each other by datagram.
type packet struct {
	kind    kind
	flags   byte
	number  uint64
	payload []byte // of data
}

// codec makes and reads the packets of one meeting.
type codec struct {
	key   []byte
	leads bool // this side: a packet does not pass for one of the other direction
}

// seal returns the bytes of a packet: magic, kind, flags, length of the payload, number,
// payload, MAC.
func (c *codec) seal(p packet) []byte {
	b := make([]byte, 0, overhead+len(p.payload))
	b = append(append(b, packetMagic...), byte(p.kind), p.flags)
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.payload)))
	b = binary.BigEndian.AppendUint64(b, p.number)
	b = append(b, p.payload...)
	return c.mac(b, b, c.leads)
}

// mac appends to dst the MAC of b as the given side sends it.
func (c *codec) mac(dst, b []byte, leads bool) []byte {
	h := hmac.New(sha256.New, c.key)
	side := []byte{0}
	if leads {
		side[0] = 1
	}
	h.Write(side)
	h.Write(b)
	var sum [sha256.Size]byte
	return append(dst, h.Sum(sum[:0])[:macSize]...)
}

// open reads a packet of the peer. The payload is part of b.
func (c *codec) open(b []byte) (packet, error) {
	if len(b) < overhead || string(b[:4]) != packetMagic {
		return packet{}, errForged
	}
	size := int(binary.BigEndian.Uint16(b[6:]))
	if len(b) != overhead+size {
		return packet{}, errForged
	}
	body, mac := b[:len(b)-macSize], b[len(b)-macSize:]
	if !hmac.Equal(mac, c.mac(nil, body, !c.leads)) {
		return packet{}, errForged
	}
	return packet{kind: kind(b[4]), flags: b[5], number: binary.BigEndian.Uint64(b[8:]), payload: body[packetHeader:]}, nil
}
