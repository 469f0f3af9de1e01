package nat

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// Datagrams in fragments pass in both directions, also when the fragment with the
// ports comes last (RFC 4787 REQ-14).
func TestFragments(t *testing.T) {
	l := newLab(t)
	l.apply(t, config())
	remote := listenUDP(t, l.outside, remoteAddr(0, 0))
	in := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
	text := strings.Repeat("0123456789", 400)

	send(t, in, addrOf(remote), text)
	got, o := receive(t, remote)
	assert.Equal(t, text, got)
	send(t, remote, o, text)
	got, _ = receive(t, in)
	assert.Equal(t, text, got)

	for _, backwards := range []bool{false, true} {
		sendFragments(t, l.inside[0], addrOf(in), addrOf(remote), text, backwards)
		got, from := receive(t, remote)
		assert.Equal(t, text, got)
		assert.Equal(t, o, from)
		sendFragments(t, l.outside, addrOf(remote), o, text, backwards)
		got, _ = receive(t, in)
		assert.Equal(t, text, got)
	}
}

// sendFragments sends a datagram in fragments of 1000 bytes, the last first if
// backwards.
func sendFragments(tb testing.TB, n *nstest.Namespace, from, to netip.AddrPort, text string, backwards bool) {
	tb.Helper()
	udp := make([]byte, 8, 8+len(text))
	binary.BigEndian.PutUint16(udp, from.Port())
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(8+len(text)))
	udp = append(udp, text...)
	pseudo := append(append(from.Addr().AsSlice(), to.Addr().AsSlice()...), 0, byte(UDP), udp[4], udp[5])
	binary.BigEndian.PutUint16(udp[6:], checksum(append(pseudo, udp...)))

	const size = 1000
	var packets [][]byte
	for offset := 0; offset < len(udp); offset += size {
		part := udp[offset:min(offset+size, len(udp))]
		ip := make([]byte, 20, 20+len(part))
		ip[0], ip[8], ip[9] = 0x45, 64, byte(UDP)
		binary.BigEndian.PutUint16(ip[2:], uint16(20+len(part)))
		binary.BigEndian.PutUint16(ip[4:], 4711)
		field := uint16(offset / 8)
		if offset+size < len(udp) {
			field |= 1 << 13 // more fragments
		}
		binary.BigEndian.PutUint16(ip[6:], field)
		copy(ip[12:], from.Addr().AsSlice())
		copy(ip[16:], to.Addr().AsSlice())
		packets = append(packets, append(ip, part...))
	}
	require.NoError(tb, n.Do(func() error { return sendIP(to.Addr(), packets, backwards) }))
}

func sendIP(to netip.Addr, packets [][]byte, backwards bool) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for i := range packets {
		if backwards {
			i = len(packets) - 1 - i
		}
		if err := unix.Sendto(fd, packets[i], 0, &unix.SockaddrInet4{Addr: to.As4()}); err != nil {
			return err
		}
	}
	return nil
}
