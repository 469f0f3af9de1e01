package capture

import (
	"fmt"
	"strings"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// layer is one header of a packet, field by field.
type layer struct {
	name   string
	size   int // in bytes
	fields []field
}

// field is one field of a header.
type field struct {
	name    string
	value   string // as it is in the packet
	meaning string // what it says; "" where the value says it
}

// add adds a field. The value is formatted with %v; for what people write in
// hexadecimal it is a string.
func (l *layer) add(name string, value any, meaning string) {
	l.fields = append(l.fields, field{name, fmt.Sprint(value), meaning})
}

// addf is add for a meaning that is to be formatted.
func (l *layer) addf(name string, value any, format string, args ...any) {
	l.add(name, value, fmt.Sprintf(format, args...))
}

// String is the layer's own line.
func (l layer) String() string { return fmt.Sprintf("%s, %s", l.name, node.Bytes(l.size)) }

// String is the field's line, in columns.
func (f field) String() string {
	return strings.TrimRight(fmt.Sprintf("%-22s %-17s %s", f.name, f.value, f.meaning), " ")
}

// layers returns every header of the packet from the outermost in, and what the
// innermost carries.
func (p *packet) layers() []layer {
	all := []layer{p.frameLayer()}
	for _, l := range []struct {
		present bool
		read    func() layer
	}{
		{p.ethernet != nil, p.ethernetLayer},
		{p.arp != nil, p.arpLayer},
		{p.ip4 != nil, p.ip4Layer},
		{p.ip6 != nil, p.ip6Layer},
		{p.fragment != nil, p.fragmentLayer},
		{p.tcp != nil, p.tcpLayer},
		{p.udp != nil, p.udpLayer},
		{p.icmp4 != nil, p.icmp4Layer},
		{p.icmp6 != nil, p.icmp6Layer},
	} {
		if l.present {
			all = append(all, l.read())
		}
	}
	if quoted, ok := p.quotedLayer(); ok {
		return append(all, quoted)
	}
	if len(p.payload) > 0 {
		all = append(all, p.payloadLayer())
	}
	return all
}

// frameLayer is what the kernel says beside the bytes.
func (p *packet) frameLayer() layer {
	l := layer{name: "frame", size: len(p.data)}
	direction := "coming in"
	if p.outgoing {
		direction = "going out"
	}
	l.add("interface", p.link, direction)
	if p.segment > 0 {
		l.addf("segment", p.segment, "the network card is to cut the payload into pieces of this size")
	}
	return l
}

// shownBytes is how much of a payload is shown.
const shownBytes = 512

// payloadLayer is what the innermost header carries, sixteen bytes a line.
func (p *packet) payloadLayer() layer {
	name := "application"
	switch {
	case p.err != nil:
		name = "malformed"
	case p.tcp == nil && p.udp == nil:
		name = "data"
	}
	l := layer{name: name, size: len(p.payload)}
	const width = 16
	for at := 0; at < len(p.payload) && at < shownBytes; at += width {
		line := p.payload[at:min(at+width, len(p.payload))]
		l.add(fmt.Sprintf("bytes from %d", at), fmt.Sprintf("% x", line), printable(line))
	}
	if len(p.payload) > shownBytes {
		l.add(fmt.Sprintf("bytes from %d", shownBytes), "…", fmt.Sprintf("%s more", node.Bytes(len(p.payload)-shownBytes)))
	}
	return l
}

// printable shows bytes as ASCII, and a dot for what is none.
func printable(b []byte) string {
	s := make([]byte, len(b))
	for i, c := range b {
		if c < 0x20 || c > 0x7e {
			c = '.'
		}
		s[i] = c
	}
	return string(s)
}
