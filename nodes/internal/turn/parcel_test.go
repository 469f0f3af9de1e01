package turn

import (
	"encoding/binary"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/datagram"
)

// segment is the control message that has the kernel send datagrams of size bytes.
func segment(size int) []byte {
	b := make([]byte, unix.CmsgSpace(2))
	binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(2)))
	binary.NativeEndian.PutUint32(b[8:], unix.IPPROTO_UDP)
	binary.NativeEndian.PutUint32(b[12:], unix.UDP_SEGMENT)
	binary.NativeEndian.PutUint16(b[unix.CmsgLen(0):], uint16(size))
	return b
}

// Runs of datagrams that the kernel keeps together arrive one by one, whole and in order.
func TestRunsOfDatagrams(t *testing.T) {
	s := startServer(t, testConfig(t))
	c, g := s.alice(t, false)
	h, other := newHost(t), newHost(t)
	require.NoError(t, c.Bind(t.Context(), 0x4000, h.at()))
	require.NoError(t, c.Bind(t.Context(), 0x4001, other.at()))

	const count = 40
	var forth, back []byte
	for i := range count {
		text := fmt.Appendf(nil, "number %03d", i)
		forth = appendChannelData(forth, 0x4000, text)
		back = append(back, text...)
	}
	size := len(back) / count
	socket := c.conn.(*datagram.Conn).UDPConn
	_, _, err := socket.WriteMsgUDP(forth, segment(size+channelHeader), nil)
	require.NoError(t, err)
	for i := range count {
		h.receive(fmt.Sprintf("number %03d", i), g.Relayed)
	}
	// Another channel in the middle of a run is another's, and one that is bound to
	// nobody is nobody's.
	for _, odd := range []uint16{0x4001, 0x4002} {
		mixed := append([]byte(nil), forth...)
		binary.BigEndian.PutUint16(mixed[20*(size+channelHeader):], odd)
		_, _, err = socket.WriteMsgUDP(mixed, segment(size+channelHeader), nil)
		require.NoError(t, err)
		for i := range count {
			if i != 20 {
				h.receive(fmt.Sprintf("number %03d", i), g.Relayed)
			} else if odd == 0x4001 {
				other.receive("number 020", g.Relayed)
			}
		}
	}

	_, _, err = h.WriteMsgUDP(back, segment(size), net.UDPAddrFromAddrPort(g.Relayed))
	require.NoError(t, err)
	for i := range count {
		assert.Equal(t, Datagram{h.at(), fmt.Appendf(nil, "number %03d", i), 0x4000}, receive(t, c))
	}
	// Without a channel, and the last one shorter.
	stranger := newHost(t)
	_, _, err = stranger.WriteMsgUDP(back[:len(back)-3], segment(size), net.UDPAddrFromAddrPort(g.Relayed))
	require.NoError(t, err)
	for i := range count - 1 {
		assert.Equal(t, Datagram{stranger.at(), fmt.Appendf(nil, "number %03d", i), 0}, receive(t, c))
	}
	assert.Equal(t, "number ", string(receive(t, c).Data))

	// What the client has is counted once it was sent: a request may be quicker.
	carried := &s.table.at(g.Relayed).toClient
	require.Eventually(t, func() bool { return carried.datagrams.Load() == int64(2*count) }, patience, time.Millisecond)
	require.NoError(t, c.Release(t.Context()))
	s.log.Wait(t, fmt.Sprintf(": %d datagrams (%d bytes) to peers, %d datagrams (%d bytes) to the client, 1 dropped",
		3*count-1, (3*count-1)*size, 2*count, 2*count*size-3))
}
