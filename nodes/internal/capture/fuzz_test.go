package capture

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/assert"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// FuzzPacket shows any bytes as a packet, twice, so that conversations go on.
func FuzzPacket(f *testing.F) {
	for _, seed := range []frame{
		segment{flags: "S", seq: 1, options: scale(7)}.frame(f),
		udpFrame(f, []byte("Hello")),
		arpFrame(f, layers.ARPRequest),
		icmpError(f, 3, 4, 1400),
		pingFrame(f),
		ping6Frame(f),
	} {
		f.Add(seed.data, uint16(0), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, protocol uint16, headless bool) {
		var text bytes.Buffer
		c := capture{layers: true, talks: conversations{}}
		for range 2 {
			p := decode(frame{at: midday, data: data, protocol: protocol, headless: headless, link: "lan"})
			(&filter{icmp: true, ports: ports{7}}).match(p)
			c.wanted(p)
			c.show(p, node.NewEvents(&text, node.Text))
			c.show(p, node.NewEvents(io.Discard, node.JSON))
		}
		for line := range strings.Lines(text.String()) {
			event, _, _ := strings.Cut(line, " ")
			assert.Contains(t, []string{"packet", "layer", "field"}, event, "a line is one event")
		}
	})
}
