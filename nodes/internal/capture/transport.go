package capture

import (
	"encoding/binary"
	"fmt"

	"github.com/gopacket/gopacket/layers"

	"github.com/crosslan/crosslan/nodes/internal/icmp"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// tcpLayer is a TCP header (RFC 9293 section 3.1).
func (p *packet) tcpLayer() layer {
	tcp, c := p.tcp, p.context
	l := layer{name: "TCP", size: len(tcp.Contents)}
	l.add("source port", uint16(tcp.SrcPort), "")
	l.add("destination port", uint16(tcp.DstPort), "")
	l.addf("sequence number", tcp.Seq, "number %d of this direction", c.seq)
	if tcp.ACK {
		l.addf("acknowledgement", tcp.Ack, "expects number %d of the other direction next", c.ack)
	} else {
		l.add("acknowledgement", tcp.Ack, "does not count: no ACK flag")
	}
	l.addf("data offset", tcp.DataOffset, "words of 4 bytes: the header has %s", node.Bytes(int(tcp.DataOffset)*4))
	l.add("reserved", tcp.Contents[12]&0xf, "")
	for _, f := range flagsOf(tcp) {
		l.add("flag "+f.name, bit(f.set), either(f.set, f.meaning, ""))
	}
	l.add("window", tcp.Window, c.windowMeaning())
	l.add("checksum", hex16(tcp.Checksum), p.sumMeaning())
	l.add("urgent pointer", tcp.Urgent, either(tcp.URG, "", "does not count: no URG flag"))
	for _, o := range tcp.Options {
		addOption(&l, o)
	}
	if len(tcp.Padding) > 0 {
		l.add("padding", fmt.Sprintf("% x", tcp.Padding), "")
	}
	return l
}

func (c segmentContext) windowMeaning() string {
	if c.unscaled {
		return "bytes it is ready to take, divided by a number that only the SYN had"
	}
	return fmt.Sprintf("it is ready to take %s", node.Bytes(c.window))
}

func addOption(l *layer, o layers.TCPOption) {
	name, d := "option "+optionName(o), o.OptionData
	switch {
	case o.OptionType == layers.TCPOptionKindMSS && len(d) == 2:
		l.add(name, binary.BigEndian.Uint16(d), "the most bytes it takes in one segment")
	case o.OptionType == layers.TCPOptionKindWindowScale && len(d) == 1:
		l.addf(name, d[0], "its windows are in units of %s", node.Bytes(1<<min(d[0], 14)))
	case o.OptionType == layers.TCPOptionKindSACKPermitted:
		l.add(name, "", "it understands selective acknowledgements (RFC 2018)")
	case o.OptionType == layers.TCPOptionKindTimestamps && len(d) == 8:
		l.addf(name, binary.BigEndian.Uint32(d), "its clock; echoes the other's %d (RFC 7323)", binary.BigEndian.Uint32(d[4:]))
	case o.OptionType == layers.TCPOptionKindSACK:
		for len(d) >= 8 {
			l.add(name, fmt.Sprintf("%d-%d", binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:])), "has these as well")
			d = d[8:]
		}
	case o.OptionType == layers.TCPOptionKindNop:
		l.add(name, "", "nothing: aligns the next")
	case o.OptionType == layers.TCPOptionKindEndList:
		l.add(name, "", "no more options")
	default:
		l.add(name, fmt.Sprintf("% x", d), "")
	}
}

func optionName(o layers.TCPOption) string {
	switch o.OptionType {
	case layers.TCPOptionKindMSS:
		return "mss"
	case layers.TCPOptionKindWindowScale:
		return "wscale"
	case layers.TCPOptionKindSACK:
		return "sack"
	case layers.TCPOptionKindSACKPermitted, layers.TCPOptionKindTimestamps, layers.TCPOptionKindNop, layers.TCPOptionKindEndList:
		return optionWord(o)
	}
	return fmt.Sprint(uint8(o.OptionType))
}

// udpLayer is a UDP header (RFC 768).
func (p *packet) udpLayer() layer {
	udp := p.udp
	l := layer{name: "UDP", size: len(udp.Contents)}
	l.add("source port", uint16(udp.SrcPort), "")
	l.add("destination port", uint16(udp.DstPort), "")
	l.addf("length", udp.Length, "header and %s", node.Bytes(max(0, int(udp.Length)-8)))
	l.add("checksum", hex16(udp.Checksum), p.sumMeaning())
	return l
}

// sumMeaning words the state of the innermost checksum.
func (p *packet) sumMeaning() string {
	all := p.checksums()
	return all[len(all)-1].meaning()
}

// icmp4Layer is an ICMP header (RFC 792). What its second four bytes are depends on
// the type.
func (p *packet) icmp4Layer() layer {
	m, _, _ := p.icmp()
	l := layer{name: "ICMP", size: len(p.icmp4.Contents)}
	addTypeCode(&l, m)
	l.add("checksum", hex16(p.icmp4.Checksum), p.sumMeaning())
	addRest(&l, m, p.icmp4.Contents[4:8])
	return l
}

// icmp6Layer is an ICMPv6 header (RFC 4443 section 2.1) and the four bytes after it.
func (p *packet) icmp6Layer() layer {
	m, body, _ := p.icmp()
	l := layer{name: "ICMPv6", size: len(p.icmp6.Contents)}
	addTypeCode(&l, m)
	l.add("checksum", hex16(p.icmp6.Checksum), p.sumMeaning())
	if len(body) >= 4 && (m.IsEcho() || m.IsError()) {
		l.size += 4
		addRest(&l, m, body[:4])
	}
	return l
}

func addTypeCode(l *layer, m icmp.Message) {
	l.add("type", m.Type, m.Name())
	l.add("code", m.Code, m.String())
}

func addRest(l *layer, m icmp.Message, b []byte) {
	switch {
	case m.IsEcho():
		l.add("identifier", binary.BigEndian.Uint16(b), "tells the pings of two programs apart")
		l.add("sequence number", binary.BigEndian.Uint16(b[2:]), "")
	case m.IsTooBig() && !m.V6:
		l.add("unused", hex16(binary.BigEndian.Uint16(b)), "")
		l.add("next-hop MTU", binary.BigEndian.Uint16(b[2:]), "the longest packet that would fit (RFC 1191)")
	case m.IsTooBig():
		l.add("MTU", binary.BigEndian.Uint32(b), "the longest packet that would fit")
	default:
		l.add("rest of the header", fmt.Sprintf("% x", b), "")
	}
}

// quotedLayer is the packet that an ICMP error is about, as far as it is quoted.
func (p *packet) quotedLayer() (layer, bool) {
	about, ok := p.quoted()
	if !ok {
		return layer{}, false
	}
	_, body, _ := p.icmp()
	l := layer{name: "quoted packet", size: len(body)}
	if p.icmp6 != nil {
		l.size -= 4
	}
	l.add("protocol", about.Protocol, icmp.ProtocolName(about.Protocol))
	l.add("time to live", about.TTL, "what was left of it")
	l.add("source", text(about.Source), "")
	l.add("destination", text(about.Destination), "")
	return l, true
}
