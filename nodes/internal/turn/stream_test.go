package turn

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// What a connection ends for, and what it does not.
func TestFramesOfATCPClient(t *testing.T) {
	config := testConfig(t)
	config.anonymousLimit, config.frameLimit = 300*time.Millisecond, 300*time.Millisecond
	s := startServer(t, config)
	binding := stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw
	channel := func(size int) []byte {
		b := binary.BigEndian.AppendUint16(nil, 0x4000)
		b = binary.BigEndian.AppendUint16(b, uint16(size))
		return append(b, make([]byte, (size+3)&^3)...)
	}
	longest := append([]byte{0, 1, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12+0xfffc)...)
	for name, tt := range map[string]struct {
		bytes []byte
		ends  string // why, if it does; otherwise a Binding request is answered afterwards
	}{
		"ChannelData of nothing":              {channel(0), ""},
		"ChannelData of 1":                    {channel(1), ""},
		"ChannelData of 65535":                {channel(65535), ""},
		"ChannelData of 65533":                {channel(65533), ""},
		"STUN of 65532":                       {longest, ""},
		"a byte at a time":                    {nil, ""},
		"a length that is not a multiple":     {[]byte{0, 1, 0, 3, 0x21, 0x12, 0xa4, 0x42}, errFrame.Error()},
		"a length of 65535":                   {[]byte{0, 1, 0xff, 0xff, 0x21, 0x12, 0xa4, 0x42}, errFrame.Error()},
		"no cookie":                           {[]byte{0, 1, 0, 0, 1, 2, 3, 4}, errFrame.Error()},
		"the first bits 10":                   {[]byte{0x80, 0, 0, 0}, errFrame.Error()},
		"HTTP":                                {[]byte("GET / HTTP/1.1\r\n\r\n"), "a message took longer than 300ms"}, // channel 0x4745, 21,536 bytes
		"TLS":                                 {[]byte{0x16, 3, 1, 2, 0, 1, 0, 1}, errFrame.Error()},
		"truncated ChannelData":               {channel(65535)[:1000], "a message took longer than 300ms"},
		"truncated padding":                   {channel(5)[:4+5], "a message took longer than 300ms"},
		"half a header":                       {binding[:3], "a message took longer than 300ms"},
		"a request without its last byte":     {binding[:19], "a message took longer than 300ms"},
		"nothing, and no allocation":          {[]byte{}, "no allocation for 300ms"},
		"a question, and then nothing":        {append([]byte{}, binding...), "no allocation for 300ms"},
		"an end in the middle of a message":   {nil, ""},
		"ChannelData of a channel that isn't": {channel(100), ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", s.Addrs()[0].String())
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
			switch name {
			case "a byte at a time":
				for _, b := range binding {
					_, err := c.Write([]byte{b})
					require.NoError(t, err)
				}
				_, err = readFrame(bufio.NewReader(c))
				require.NoError(t, err)
				return
			case "an end in the middle of a message":
				_, err := c.Write(binding[:7])
				require.NoError(t, err)
				require.NoError(t, c.(*net.TCPConn).CloseWrite())
				_, err = c.Read(make([]byte, 1))
				require.ErrorIs(t, err, io.EOF)
				return
			}
			_, err = c.Write(tt.bytes)
			require.NoError(t, err)
			if tt.ends != "" {
				_, _ = io.Copy(io.Discard, c) // until the server ends it, by FIN or, with bytes unread, RST
				s.log.Wait(t, "tcp "+c.LocalAddr().String()+" -> "+s.Addrs()[0].String()+": "+tt.ends)
				return
			}
			_, err = c.Write(binding)
			require.NoError(t, err)
			b, err := readFrame(bufio.NewReader(c))
			require.NoError(t, err)
			assert.Equal(t, binding[8:20], b[8:20])
		})
	}
}

// What comes in a datagram and is nothing has no answer, and harms nobody.
func TestDatagramsThatAreNothing(t *testing.T) {
	s := startServer(t, testConfig(t))
	c, g := s.alice(t, false)
	h := newHost(t)
	require.NoError(t, c.Bind(t.Context(), 0x4000, h.at()))
	for _, b := range [][]byte{
		{}, {0x40}, {0x40, 0, 0xff, 0xff}, {0x40, 0, 0, 9, 1}, {0x40, 1, 0, 0}, {0x7f, 0xff, 0, 0}, {0x80, 0, 0, 0},
		{0, 3, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42}, append([]byte{0, 0x16, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...),
		append([]byte{0, 0x16, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...), // a Send indication of nothing
		bytes.Repeat([]byte{0xff}, 2000), bytes.Repeat([]byte{0}, 2000), append([]byte{0x40, 0, 0, 1}, make([]byte, 60000)...),
		appendData(nil, sendIndication, randomID(), netip.AddrPortFrom(h.at().Addr(), 0), []byte("to port 0")),
	} {
		_, err := c.conn.Write(b)
		require.NoError(t, err)
	}
	_, err := c.Send(h.at(), []byte("still here"))
	require.NoError(t, err)
	h.receive("still here", g.Relayed)
}

// A client that takes nothing loses its own datagrams, then its connection, and holds up
// nobody.
func TestASlowTCPClient(t *testing.T) {
	config := testConfig(t)
	config.frameLimit = time.Second
	s := startServer(t, config)
	slow := s.client(t, s.as("alice", "wonderland", true))
	g, err := slow.Allocate(t.Context(), 0)
	require.NoError(t, err)
	h := newHost(t)
	require.NoError(t, slow.Bind(t.Context(), 0x4000, h.at()))
	// Its reader stops: the queue of the client is not read, and nothing is taken.
	stop := make(chan struct{})
	defer close(stop)
	slow.mu.Lock()
	go func() { <-stop; slow.mu.Unlock() }()

	fast, fg := s.alice(t, true)
	require.NoError(t, fast.Permit(t.Context(), h.at()))
	big := strings.Repeat("x", 60000)
	begin := time.Now()
	for !strings.Contains(s.log.String(), "its client took nothing for 1s") {
		require.Less(t, time.Since(begin), patience, s.log)
		_, err := h.WriteToUDPAddrPort([]byte(big), g.Relayed)
		require.NoError(t, err)
		h.send(fg.Relayed, "quick")
		assert.Equal(t, "quick", string(receive(t, fast).Data))
	}
	s.log.Wait(t, "ended      "+g.Relayed.String())
}

// Everything that a client leaves behind is gone after it.
func TestNothingIsLeft(t *testing.T) {
	config := testConfig(t)
	s := startServer(t, config)
	h := newHost(t)
	round := func() {
		for i := range 50 {
			c, err := Dial(t.Context(), s.as("alice", "wonderland", i%2 == 0))
			require.NoError(t, err)
			_, err = c.Allocate(t.Context(), time.Duration(i%3)*time.Second)
			require.NoError(t, err)
			require.NoError(t, c.Bind(t.Context(), 0x4000, h.at()))
			_, err = c.Send(h.at(), []byte("x"))
			require.NoError(t, err)
			if i%3 == 0 { // otherwise its lifetime, or its connection, ends it
				require.NoError(t, c.Release(t.Context()))
			}
			c.Close()
		}
		require.Eventually(t, func() bool {
			s.table.mu.RLock()
			defer s.table.mu.RUnlock()
			return len(s.table.relayed) == 0 && len(s.table.users) == 0
		}, patience, 10*time.Millisecond)
	}
	round() // what is made once is made now
	await := nodetest.NothingLeft(t)
	for range 3 {
		round()
	}
	await()
	assert.Empty(t, s.udp[0].allocations)
	assert.Empty(t, s.tcp[0].allocations)
	assert.Empty(t, s.tcp[0].conns)
}
