package ping

import (
	"encoding/binary"

	neticmp "golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/crosslan/crosslan/nodes/internal/icmp"
)

// echoHeader is the size of the header of an echo request.
const echoHeader = 8

// echoRequest returns an ICMP echo request (RFC 792, RFC 4443 section 4.1). A datagram
// socket overwrites the identifier with its own.
func echoRequest(v6 bool, id, seq uint16, data []byte) ([]byte, error) {
	m := neticmp.Message{
		Type: ipv4.ICMPTypeEcho,
		Body: &neticmp.Echo{ID: int(id), Seq: int(seq), Data: data},
	}
	if v6 {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	return m.Marshal(nil)
}

// echo is what was read of an echo request or reply.
type echo struct {
	message icmp.Message
	id, seq uint16
	data    []byte
}

// readEcho reads an ICMP message, or the beginning of one that an error quotes. It
// reports false if it is no echo request or reply.
func readEcho(v6 bool, b []byte) (echo, bool) {
	if len(b) < echoHeader {
		return echo{}, false
	}
	e := echo{
		message: icmp.Message{V6: v6, Type: b[0], Code: b[1]},
		id:      binary.BigEndian.Uint16(b[4:]),
		seq:     binary.BigEndian.Uint16(b[6:]),
		data:    b[echoHeader:],
	}
	return e, e.message.IsEcho()
}

// isReply tells an answer from a request, which a raw socket on the same host sees too.
func (e echo) isReply() bool {
	if e.message.V6 {
		return e.message.Type == icmp.EchoReply6
	}
	return e.message.Type == icmp.EchoReply
}

// pattern returns n bytes of payload.
func pattern(n int) []byte {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[i%len(letters)]
	}
	return b
}
