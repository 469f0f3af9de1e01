package icmp

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMessages(t *testing.T) {
	tests := []struct {
		m    Message
		text string
		err  bool
	}{
		{Message{Type: 8}, "echo request", false},
		{Message{Type: 0}, "echo reply", false},
		{Message{Type: 3, Code: 1}, "destination unreachable: host unreachable", true},
		{Message{Type: 3, Code: 4}, "destination unreachable: fragmentation needed", true},
		{Message{Type: 3, Code: 99}, "destination unreachable: code 99", true},
		{Message{Type: 5, Code: 1}, "redirect for the host", true},
		{Message{Type: 11, Code: 0}, "time exceeded in transit", true},
		{Message{Type: 11, Code: 1}, "time exceeded in reassembly of fragments", true},
		{Message{Type: 77, Code: 1}, "type 77 code 1", false},
		{Message{V6: true, Type: 128}, "echo request", false},
		{Message{V6: true, Type: 1, Code: 3}, "destination unreachable: address unreachable", true},
		{Message{V6: true, Type: 2}, "packet too big", true},
		{Message{V6: true, Type: 135}, "neighbour solicitation", false},
		{Message{V6: true, Type: 100, Code: 1}, "type 100 code 1", true},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.text, tt.m.String())
		assert.Equal(t, tt.err, tt.m.IsError(), tt.text)
	}
}

func TestKinds(t *testing.T) {
	assert.True(t, Message{Type: 3, Code: 3}.IsPortUnreachable())
	assert.True(t, Message{V6: true, Type: 1, Code: 4}.IsPortUnreachable())
	assert.False(t, Message{V6: true, Type: 3, Code: 3}.IsPortUnreachable())
	assert.True(t, Message{Type: 11}.IsTimeExceeded())
	assert.True(t, Message{V6: true, Type: 3}.IsTimeExceeded())
	assert.False(t, Message{Type: 11, Code: 1}.IsTimeExceeded())
	assert.True(t, Message{Type: 3, Code: 4}.IsTooBig())
	assert.True(t, Message{V6: true, Type: 2}.IsTooBig())
	assert.True(t, Message{Type: 0}.IsEcho())
	assert.False(t, Message{V6: true, Type: 8}.IsEcho())
	assert.Equal(t, "destination unreachable", Message{Type: 3}.Name())
	assert.Equal(t, "unknown", Message{Type: 99}.Name())
}

func TestQuoted(t *testing.T) {
	udp := []byte{
		0x45, 0, 0, 33, 0, 0, 0x40, 0, 1, 17, 0, 0, 10, 3, 1, 10, 10, 3, 2, 10,
		0x9c, 0x40, 0xc3, 0x57, 0, 13, 0, 0,
	}
	f, ok := Quoted(udp)
	require.True(t, ok)
	assert.Equal(t, "UDP 10.3.1.10:40000 -> 10.3.2.10:50007", f.String())
	assert.Equal(t, uint8(1), f.TTL)
	assert.Len(t, f.Payload, 8)

	// A later fragment: what follows is no UDP header.
	udp[7] = 5
	f, ok = Quoted(udp)
	require.True(t, ok)
	assert.Equal(t, "UDP 10.3.1.10 -> 10.3.2.10", f.String())

	ping6 := append([]byte{0x60, 0, 0, 0, 0, 8, 58, 64}, make([]byte, 32+8)...)
	f, ok = Quoted(ping6)
	require.True(t, ok)
	assert.Equal(t, "ICMPv6 :: -> ::", f.String())

	for name, b := range map[string][]byte{
		"nothing":              nil,
		"another version":      {0x50},
		"half a header":        udp[:10],
		"half a header, IPv6":  ping6[:39],
		"a header of 16 bytes": append([]byte{0x44}, udp[1:]...),
	} {
		_, ok := Quoted(b)
		assert.False(t, ok, name)
	}
}

func TestProtocolName(t *testing.T) {
	assert.Equal(t, "TCP", ProtocolName(6))
	assert.Equal(t, "protocol 99", ProtocolName(99))
}

func FuzzQuoted(f *testing.F) {
	f.Add([]byte{0x45})
	f.Add(append([]byte{0x60, 0, 0, 0, 0, 8, 17, 64}, make([]byte, 40)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		flow, ok := Quoted(b)
		if !ok {
			return
		}
		assert.NotEmpty(t, flow.String())
		assert.LessOrEqual(t, len(flow.Payload), len(b))
		assert.True(t, flow.Source.Addr().IsValid())
	})
}
