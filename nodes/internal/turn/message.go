package turn

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/pion/stun/v4"
)

// Sizes of RFC 8489 section 5 and RFC 8656 section 12.4, in bytes.
const (
	stunHeader    = 20
	channelHeader = 4
	cookie        = 0x2112A442
)

// Channel numbers. RFC 8656 section 12 ends at 0x4FFF, but its readers must still tell
// ChannelData from the rest by RFC 5766's range, and that is what clients choose
// from (coturn's and pion's do).
const (
	firstChannel = 0x4000
	lastChannel  = 0x7FFF
)

// Message types of what carries data (RFC 8656 section 17).
const (
	sendIndication = 0x0016
	dataIndication = 0x0017
)

const (
	attrPeer = uint16(stun.AttrXORPeerAddress)
	attrData = uint16(stun.AttrData)
)

var (
	errShort    = errors.New("shorter than it says")
	errLong     = errors.New("longer than it says")
	errCookie   = errors.New("not the magic cookie")
	errNoData   = errors.New("no DATA")
	errNoPeer   = errors.New("no XOR-PEER-ADDRESS")
	errPeer     = errors.New("malformed XOR-PEER-ADDRESS")
	errRequired = errors.New("an attribute that must be understood, and is not")
)

// checkHeader says what is wrong with the header of a STUN message that is b.
func checkHeader(b []byte) error {
	switch {
	case len(b) < stunHeader:
		return errShort
	case binary.BigEndian.Uint32(b[4:]) != cookie:
		return errCookie
	case len(b) < stunHeader+int(binary.BigEndian.Uint16(b[2:])):
		return errShort
	case len(b) > stunHeader+int(binary.BigEndian.Uint16(b[2:])) || len(b)%4 != 0:
		return errLong
	}
	return nil
}

// parseData reads a Send or Data indication whose header is good. Of an attribute that
// is there twice, the first counts (RFC 8489 section 14).
func parseData(b []byte) (peer netip.AddrPort, data []byte, err error) {
	found := false
	for rest := b[stunHeader:]; len(rest) > 0; {
		if len(rest) < 4 {
			return peer, nil, errShort
		}
		typ, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		padded := (size + 3) &^ 3
		if len(rest) < 4+padded {
			return peer, nil, errShort
		}
		value := rest[4 : 4+size]
		rest = rest[4+padded:]
		switch {
		case typ == attrData && !found:
			data, found = value, true
		case typ == attrPeer && !peer.IsValid():
			if peer, err = parsePeer(value, b[4:stunHeader]); err != nil {
				return peer, nil, err
			}
		case typ < 0x8000 && typ != attrData && typ != attrPeer:
			// RFC 8656 section 11.2: silently discarded, DONT-FRAGMENT too,
			// since this server does not set the bit.
			return peer, nil, errRequired
		}
	}
	switch {
	case !peer.IsValid():
		return peer, nil, errNoPeer
	case !found:
		return peer, nil, errNoData
	}
	return peer, data, nil
}

// parsePeer reads the value of an XOR-PEER-ADDRESS (RFC 8489 section 14.2); mask is
// the cookie and the transaction. The IPv6 form of an IPv4 address is that address.
func parsePeer(v, mask []byte) (netip.AddrPort, error) {
	size := map[byte]int{1: 4, 2: 16}
	if len(v) < 4 || size[v[1]] == 0 || len(v) != 4+size[v[1]] {
		return netip.AddrPort{}, errPeer
	}
	port := binary.BigEndian.Uint16(v[2:]) ^ cookie>>16
	var ip [16]byte
	for i := range v[4:] {
		ip[i] = v[4+i] ^ mask[i]
	}
	a, _ := netip.AddrFromSlice(ip[:len(v)-4])
	return netip.AddrPortFrom(a.Unmap(), port), nil
}

// appendData appends a Data or Send indication to b.
func appendData(b []byte, typ uint16, id [12]byte, peer netip.AddrPort, data []byte) []byte {
	addr := peer.Addr().AsSlice()
	padded := (len(data) + 3) &^ 3
	b = binary.BigEndian.AppendUint16(b, typ)
	b = binary.BigEndian.AppendUint16(b, uint16(4+4+len(addr)+4+padded))
	mask := len(b)
	b = binary.BigEndian.AppendUint32(b, cookie)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint16(b, attrPeer)
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(addr)))
	b = appendPeer(b, peer, b[mask:mask+16])
	b = binary.BigEndian.AppendUint16(b, attrData)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	b = append(b, data...)
	return append(b, make([]byte, padded-len(data))...)
}

// appendPeer appends the value of an XOR-PEER-ADDRESS; mask is the cookie and the
// transaction.
func appendPeer(b []byte, peer netip.AddrPort, mask []byte) []byte {
	addr := peer.Addr().AsSlice()
	b = append(b, 0, byte(len(addr)/12+1)) // 1 is IPv4, 2 is IPv6
	b = binary.BigEndian.AppendUint16(b, peer.Port()^cookie>>16)
	for i, x := range addr {
		b = append(b, x^mask[i])
	}
	return b
}

// maxData is how much fits into a Data indication, whose length is 16 bits.
const maxData = 1<<16 - 4 - 24 - 4 - 4

// parseChannelData reads ChannelData that came in a datagram, which may be longer: the
// padding is not counted (RFC 8656 section 12.5).
func parseChannelData(b []byte) (number uint16, data []byte, err error) {
	if len(b) < channelHeader {
		return 0, nil, errShort
	}
	number = binary.BigEndian.Uint16(b)
	size := int(binary.BigEndian.Uint16(b[2:]))
	if len(b) < channelHeader+size {
		return number, nil, errShort
	}
	if len(b) > channelHeader+(size+3)&^3 {
		return number, nil, errLong
	}
	return number, b[channelHeader : channelHeader+size], nil
}

// appendChannelData appends ChannelData to b.
func appendChannelData(b []byte, number uint16, data []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, number)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

// isChannelData tells ChannelData from STUN by the first two bits (RFC 8656 section 12).
func isChannelData(b []byte) bool { return len(b) > 0 && b[0]>>6 == 1 }
