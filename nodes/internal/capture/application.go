package capture

import (
	"github.com/pion/stun/v3"

	"github.com/crosslan/crosslan/nodes/internal/names"
)

// dnsPort is where DNS is spoken.
const dnsPort = 53

// application words a payload of a protocol that the lessons speak beside their
// services' own, or returns "".
func (p *packet) application() string {
	b := p.payload
	if len(b) >= 20 && b[0] < 0x40 && stun.IsMessage(b) { // RFC 7983
		m := stun.Message{Raw: b}
		if m.Decode() == nil {
			return "STUN " + m.Type.String()
		}
	}
	source, destination := p.addresses()
	if source.Port() != dnsPort && destination.Port() != dnsPort {
		return ""
	}
	if p.tcp != nil && len(b) > 2 {
		b = b[2:] // the message's length (RFC 1035 section 4.2.2)
	}
	if text, ok := names.Describe(b); ok {
		return "DNS " + text
	}
	return ""
}
