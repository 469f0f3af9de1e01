package capture

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/gopacket/gopacket/layers"

	"github.com/crosslan/crosslan/nodes/internal/icmp"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// line is the packet in one line: who to whom, and what.
func (p *packet) line() string {
	var what string
	source, destination := p.addresses()
	from, to := text(source), text(destination)
	switch {
	case p.err != nil:
		what = fmt.Sprintf("%s, malformed: %v", p.name(), p.err)
	case p.isFragment():
		what = p.fragmentLine()
	case p.tcp != nil:
		what = p.tcpLine()
	case p.udp != nil:
		what = "UDP " + p.load()
	case p.icmp4 != nil, p.icmp6 != nil:
		what = p.name() + " " + p.icmpLine()
	case p.arp != nil:
		return join(p.clock(), p.arpLine())
	default:
		what = p.name() + " " + node.Bytes(len(p.payload))
	}
	if !source.Addr().IsValid() && p.ethernet != nil {
		from, to = p.ethernet.SrcMAC.String(), p.ethernet.DstMAC.String()
	}
	return join(p.clock(), from, "->", to, what, p.remarks())
}

// clock is the time since the first packet, in seconds.
func (p *packet) clock() string { return fmt.Sprintf("%.6f", p.since.Seconds()) }

// text writes an address with its port, if it has one.
func text(a netip.AddrPort) string {
	if a.Port() == 0 {
		return a.Addr().String()
	}
	return a.String()
}

// join joins the words that are not empty.
func join(words ...string) string {
	var b strings.Builder
	for _, w := range words {
		if w == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}

// tcpLine has the flags by name, the numbers relative to each end's first, the
// window in bytes, options that say something, and the payload.
func (p *packet) tcpLine() string {
	c := p.context
	line := fmt.Sprintf("%s seq %d", flagNames(p.tcp), c.seq)
	if p.tcp.ACK {
		line += fmt.Sprintf(" ack %d", c.ack)
	}
	line += fmt.Sprintf(" win %d", c.window)
	if c.unscaled {
		line += " (unscaled)"
	}
	if options := optionWords(p.tcp); options != "" {
		line += " options " + options
	}
	if len(p.payload) > 0 {
		line += " " + p.load()
	}
	if c.note != "" {
		line += " (" + c.note + ")"
	}
	return line
}

// flagNames names the flags that are set.
func flagNames(tcp *layers.TCP) string {
	return strings.Join(flagList(tcp), " ")
}

func flagList(tcp *layers.TCP) []string {
	var set []string
	for _, f := range slices.Backward(flagsOf(tcp)) {
		if f.set {
			set = append(set, f.name)
		}
	}
	if set == nil {
		return []string{"no flags"}
	}
	return set
}

// flag is one of TCP's eight flags (RFC 9293 section 3.1).
type flag struct {
	name, meaning string
	set           bool
}

// flagsOf returns the flags in the order in which the header has them. People name
// them the other way round.
func flagsOf(tcp *layers.TCP) []flag {
	return []flag{
		{"CWR", "the sender has slowed down (RFC 3168)", tcp.CWR},
		{"ECE", "congestion was seen (RFC 3168)", tcp.ECE},
		{"URG", "the urgent pointer counts", tcp.URG},
		{"ACK", "the acknowledgement counts", tcp.ACK},
		{"PSH", "hand over to the program what there is", tcp.PSH},
		{"RST", "the connection is broken off", tcp.RST},
		{"SYN", "the sequence number is the first of this direction", tcp.SYN},
		{"FIN", "this end has no more to say", tcp.FIN},
	}
}

// optionWords lists the options. Outside a SYN only those that say something of
// their own: the timestamps are in every segment.
func optionWords(tcp *layers.TCP) string {
	var words []string
	for _, o := range tcp.Options {
		switch o.OptionType {
		case layers.TCPOptionKindNop, layers.TCPOptionKindEndList, layers.TCPOptionKindTimestamps:
			if !tcp.SYN {
				continue
			}
		}
		words = append(words, optionWord(o))
	}
	return strings.Join(words, ", ")
}

func optionWord(o layers.TCPOption) string {
	switch {
	case o.OptionType == layers.TCPOptionKindNop:
		return "nop"
	case o.OptionType == layers.TCPOptionKindEndList:
		return "end"
	case o.OptionType == layers.TCPOptionKindMSS && len(o.OptionData) == 2:
		return fmt.Sprintf("mss %d", binary.BigEndian.Uint16(o.OptionData))
	case o.OptionType == layers.TCPOptionKindWindowScale && len(o.OptionData) == 1:
		return fmt.Sprintf("wscale %d", o.OptionData[0])
	case o.OptionType == layers.TCPOptionKindSACKPermitted:
		return "sackOK"
	case o.OptionType == layers.TCPOptionKindSACK:
		return fmt.Sprintf("sack of %d", len(o.OptionData)/8)
	case o.OptionType == layers.TCPOptionKindTimestamps:
		return "timestamps"
	}
	return fmt.Sprintf("option %d", o.OptionType)
}

// load is the payload: its length, and what it says.
func (p *packet) load() string {
	text := node.Bytes(len(p.payload))
	switch a := p.application(); {
	case a != "":
		text += " " + a
	case len(p.payload) > 0:
		text += " " + node.Quote(p.payload)
	}
	if p.segment > 0 && len(p.payload) > p.segment {
		text += fmt.Sprintf(" (to be sent as %d packets of at most %d)", (len(p.payload)+p.segment-1)/p.segment, p.segment)
	}
	return text
}

func (p *packet) icmpLine() string {
	m, body, _ := p.icmp()
	line := m.String()
	switch {
	case m.IsEcho():
		id, seq, data := p.echo()
		return fmt.Sprintf("%s id %d seq %d ttl %d %s", line, id, seq, p.ttl(), node.Bytes(len(data)))
	case m.IsTooBig():
		line += fmt.Sprintf(", mtu %d", p.mtu())
	case m.V6 && (m.Type == layers.ICMPv6TypeNeighborSolicitation || m.Type == layers.ICMPv6TypeNeighborAdvertisement) && len(body) >= 20:
		target, _ := netip.AddrFromSlice(body[4:20])
		return fmt.Sprintf("%s of %v", line, target)
	}
	if about, ok := p.quoted(); ok {
		line += fmt.Sprintf(", about %v", about)
	}
	return line
}

// echo returns the fields of a ping or its answer.
func (p *packet) echo() (id, seq uint16, data []byte) {
	if p.icmp4 != nil {
		return p.icmp4.Id, p.icmp4.Seq, p.icmp4.Payload
	}
	b := p.icmp6.Payload
	if len(b) < 4 {
		return 0, 0, nil
	}
	return binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), b[4:]
}

// mtu returns what an error about a packet's length says would fit (RFC 1191
// section 4, RFC 4443 section 3.2).
func (p *packet) mtu() int {
	if p.icmp4 != nil {
		return int(p.icmp4.Seq)
	}
	if len(p.icmp6.Payload) < 4 {
		return 0
	}
	return int(binary.BigEndian.Uint32(p.icmp6.Payload))
}

func (p *packet) ttl() int {
	if p.ip6 != nil {
		return int(p.ip6.HopLimit)
	}
	return int(p.ip4.TTL)
}

func (p *packet) arpLine() string {
	a := p.arp
	source, destination := p.addresses()
	sender := net.HardwareAddr(a.SourceHwAddress)
	switch {
	case a.Operation == layers.ARPRequest && source == destination:
		return fmt.Sprintf("ARP %v announces that it is at %v", source.Addr(), sender)
	case a.Operation == layers.ARPRequest:
		return fmt.Sprintf("ARP %v at %v asks: who has %v?", source.Addr(), sender, destination.Addr())
	case a.Operation == layers.ARPReply:
		return fmt.Sprintf("ARP %v is at %v", source.Addr(), sender)
	}
	return fmt.Sprintf("ARP operation %d", a.Operation)
}

func (p *packet) isFragment() bool {
	return p.fragment != nil || p.ip4 != nil && (p.ip4.FragOffset != 0 || p.ip4.Flags&layers.IPv4MoreFragments != 0)
}

func (p *packet) fragmentLine() string {
	var id, offset int
	var more bool
	if f := p.fragment; f != nil {
		id, offset, more = int(f.Identification), int(f.FragmentOffset)*8, f.MoreFragments
	} else {
		id, offset, more = int(p.ip4.Id), int(p.ip4.FragOffset)*8, p.ip4.Flags&layers.IPv4MoreFragments != 0
	}
	what := "the last"
	if more {
		what = "more follow"
	}
	return fmt.Sprintf("%s, fragment of id %d at offset %d, %s, %s", p.name(), id, offset, node.Bytes(len(p.payload)), what)
}

// remarks is what is not as it should be.
func (p *packet) remarks() string {
	var words []string
	for _, c := range p.checksums() {
		if c.state == sumWrong {
			words = append(words, fmt.Sprintf("%s checksum wrong", c.of))
		}
	}
	if p.cut {
		words = append(words, "not all of it was captured")
	}
	if words == nil {
		return ""
	}
	return "(" + strings.Join(words, ", ") + ")"
}

// protocolMeaning names an IP protocol number for a field's line.
func protocolMeaning(protocol layers.IPProtocol) string { return icmp.ProtocolName(uint8(protocol)) }
