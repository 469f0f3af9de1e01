package observe

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// ErrNotTold means that the other end spoke, but does not answer STUN.
var ErrNotTold = errors.New("the server does not answer STUN")

// maxResponse bounds a response over TCP: its length comes from the network.
// Ours has 32 bytes (IPv4) or 44 (IPv6); another's may have further attributes.
const maxResponse = 1500

// Ask asks over the stream c under which address the other end sees it. The
// deadlines of c hold. No bytes of the service may be on their way to this end.
func Ask(c net.Conn) (netip.AddrPort, error) {
	request, err := newRequest()
	if err != nil {
		return netip.AddrPort{}, err
	}
	if _, err := c.Write(request); err != nil {
		return netip.AddrPort{}, err
	}
	var b [maxResponse]byte
	// A header's length is also that of the question, which a foreign echo sends back.
	if n, err := io.ReadFull(c, b[:headerSize]); err != nil {
		if n > 0 || err == io.EOF {
			return netip.AddrPort{}, ErrNotTold
		}
		return netip.AddrPort{}, err
	}
	if !answers(b[:headerSize], request) {
		return netip.AddrPort{}, ErrNotTold
	}
	size := headerSize + int(binary.BigEndian.Uint16(b[2:]))
	if size > maxResponse {
		return netip.AddrPort{}, ErrNotTold
	}
	if _, err := io.ReadFull(c, b[headerSize:size]); err != nil {
		return netip.AddrPort{}, err
	}
	return mapped(b[:size])
}

// firstRetry is the first retransmission timeout over UDP (RFC 8489 section 6.2.1).
const firstRetry = 500 * time.Millisecond

// AskDatagram asks over c, a connected UDP socket, under which address the other
// end sees it. A lost question or answer is asked again, as RFC 8489 section 6.2.1
// says, until the deadline. Datagrams that are no answer are dropped, but for the
// question itself: whoever sends that back is an echo that does not know STUN.
func AskDatagram(c net.Conn, deadline time.Time) (netip.AddrPort, error) {
	request, err := newRequest()
	if err != nil {
		return netip.AddrPort{}, err
	}
	b := make([]byte, maxResponse)
	for retry := firstRetry; ; retry *= 2 {
		if _, err := c.Write(request); err != nil {
			return netip.AddrPort{}, err
		}
		until := time.Now().Add(retry)
		if until.After(deadline) {
			until = deadline
		}
		if err := c.SetReadDeadline(until); err != nil {
			return netip.AddrPort{}, err
		}
		n, err := readAnswer(c, b, request)
		if err == nil {
			return mapped(b[:n])
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || !until.Before(deadline) {
			return netip.AddrPort{}, err
		}
	}
}

func readAnswer(c net.Conn, b, request []byte) (int, error) {
	for {
		n, err := c.Read(b)
		if err != nil {
			return 0, err
		}
		if answers(b[:n], request) {
			return n, nil
		}
		if string(b[:n]) == string(request) {
			return 0, ErrNotTold
		}
	}
}
