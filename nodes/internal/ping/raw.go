package ping

import (
	"encoding/binary"
	"syscall"

	"github.com/crosslan/crosslan/nodes/internal/icmp"
)

// readRaw reads what a raw socket got, as if a datagram socket had got it: every
// ICMP message of this host arrives there, errors too, and with IPv4 its IP header.
// It reports false for what neither answers nor is about an echo request with that
// identifier.
func (h *heard) readRaw(v6 bool, id uint16) bool {
	if !v6 {
		header, ok := icmp.Quoted(h.data)
		if !ok || header.Protocol != protocol(v6) {
			return false
		}
		h.ttl, h.data = int(header.TTL), header.Payload
	}
	if len(h.data) < echoHeader {
		return false
	}
	m := icmp.Message{V6: v6, Type: h.data[0], Code: h.data[1]}
	if m.IsError() {
		return h.readRawError(m, id)
	}
	e, ok := readEcho(v6, h.data)
	return ok && e.isReply() && e.id == id
}

// readRawError reads an ICMP error that is about an echo request of ours.
func (h *heard) readRawError(m icmp.Message, id uint16) bool {
	about, ok := icmp.Quoted(h.data[echoHeader:])
	if !ok {
		return false
	}
	e, ok := readEcho(m.V6, about.Payload)
	if !ok || about.Protocol != protocol(m.V6) || e.isReply() || e.id != id {
		return false
	}
	h.problem = &problem{errno: syscall.EHOSTUNREACH, message: m, from: h.from.Addr()}
	if m.IsTooBig() {
		h.problem.errno, h.problem.mtu = syscall.EMSGSIZE, int(binary.BigEndian.Uint16(h.data[6:]))
		if m.V6 {
			h.problem.mtu = int(binary.BigEndian.Uint32(h.data[4:]))
		}
	}
	h.data = about.Payload
	return true
}

// protocol is the number of ICMP in a family.
func protocol(v6 bool) uint8 {
	if v6 {
		return icmp.Protocol6
	}
	return icmp.Protocol
}
