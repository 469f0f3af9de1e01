package ping

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crosslan/crosslan/nodes/internal/icmp"
)

// quotedEcho is an ICMP time exceeded with the echo request it is about, as a raw
// socket gets it.
func quotedEcho() []byte {
	ip := func(protocol byte) []byte {
		return []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 1, protocol, 0, 0, 10, 46, 1, 10, 10, 46, 2, 10}
	}
	b := append(ip(icmp.Protocol), icmp.TimeExceeded, 0, 0, 0, 0, 0, 0, 0)
	return append(append(b, ip(icmp.Protocol)...), icmp.EchoRequest, 0, 0, 0, 0, 5, 0, 1)
}

func TestReadRaw(t *testing.T) {
	router := netip.MustParseAddrPort("10.46.1.1:0")
	h := heard{data: quotedEcho(), from: router}
	assert.True(t, h.readRaw(false, 5))
	assert.Equal(t, "time exceeded in transit", h.problem.String())
	assert.Equal(t, router.Addr(), h.problem.from)

	h = heard{data: quotedEcho(), from: router}
	assert.False(t, h.readRaw(false, 6), "another program's")

	other := quotedEcho()
	other[20+8+9] = 17 // about a datagram of the same bytes
	h = heard{data: other, from: router}
	assert.False(t, h.readRaw(false, 5))

	reply := quotedEcho()[:28]
	copy(reply[20:], []byte{icmp.EchoReply, 0, 0, 0, 0, 5, 0, 9})
	h = heard{data: reply}
	assert.True(t, h.readRaw(false, 5))
	assert.Equal(t, 1, h.ttl)
	assert.Nil(t, h.problem)

	request := quotedEcho()[28:]
	h = heard{data: request}
	assert.False(t, h.readRaw(false, 5), "a request, not an answer")
}

func FuzzReadRaw(f *testing.F) {
	f.Add(quotedEcho(), false)
	f.Add([]byte{icmp.EchoReply6, 0, 0, 0, 0, 5, 0, 1}, true)
	f.Fuzz(func(t *testing.T, b []byte, v6 bool) {
		h := heard{data: b}
		if !h.readRaw(v6, 5) {
			return
		}
		e, ok := readEcho(v6, h.data)
		assert.True(t, ok)
		assert.EqualValues(t, 5, e.id)
		if h.problem != nil {
			assert.NotEmpty(t, h.problem.String())
		}
	})
}

func FuzzReadProblem(f *testing.F) {
	f.Add([]byte{113, 0, 0, 0, 2, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 10, 46, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if p := readProblem(b); p != nil {
			assert.NotEmpty(t, p.String())
			assert.NotEmpty(t, p.reporter(netip.Addr{}))
		}
	})
}
