package tunnel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"syscall"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// opening is what a stream is for.
type opening struct {
	Publication
	source netip.AddrPort // who calls, as the relay observed it
	dialed netip.AddrPort // the address of the relay that was called
}

const (
	openingSize4 = 3 + 2*(4+2)
	openingSize6 = 3 + 2*(16+2)
)

// encodeOpening writes the opening behind its length, of one byte.
func encodeOpening(o opening) []byte {
	source, dialed := addr.Plain(o.source), addr.Plain(o.dialed)
	if source.Addr().Is4() != dialed.Addr().Is4() {
		source = netip.AddrPortFrom(netip.AddrFrom16(source.Addr().As16()), source.Port())
		dialed = netip.AddrPortFrom(netip.AddrFrom16(dialed.Addr().As16()), dialed.Port())
	}
	b := append([]byte{0}, encodePorts([]Publication{o.Publication})...)
	for _, a := range []netip.AddrPort{source, dialed} {
		b = append(b, a.Addr().AsSlice()...)
		b = binary.BigEndian.AppendUint16(b, a.Port())
	}
	b[0] = byte(len(b) - 1)
	return b
}

func readOpening(r io.Reader) (opening, error) {
	var length [1]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return opening{}, err
	}
	b := make([]byte, length[0])
	if _, err := io.ReadFull(r, b); err != nil {
		return opening{}, err
	}
	return decodeOpening(b)
}

func decodeOpening(b []byte) (opening, error) {
	if len(b) != openingSize4 && len(b) != openingSize6 {
		return opening{}, fmt.Errorf("%w opening of %d bytes", errMalformed, len(b))
	}
	o := opening{Publication: Publication{Protocol: Protocol(b[0]), Port: binary.BigEndian.Uint16(b[1:])}}
	half := (len(b) - entrySize) / 2
	o.source = decodeAddrPort(b[entrySize:][:half])
	o.dialed = decodeAddrPort(b[entrySize+half:])
	return o, nil
}

func decodeAddrPort(b []byte) netip.AddrPort {
	ip, _ := netip.AddrFromSlice(b[:len(b)-2])
	return addr.Plain(netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[len(b)-2:])))
}

// The client's answer to an opening is what connect returned.

func writeConnected(w io.Writer, connectErr error) error {
	var no syscall.Errno
	if connectErr != nil && !errors.As(connectErr, &no) {
		no = syscall.ETIMEDOUT // the limit of dialing, or a name that has no address
	}
	_, err := w.Write(binary.BigEndian.AppendUint16(nil, uint16(no)))
	return err
}

// refusal is the inside's error of connect, as the client told it.
type refusal struct{ error }

func readConnected(r io.Reader) error {
	var b [2]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return err
	}
	if no := syscall.Errno(binary.BigEndian.Uint16(b[:])); no != 0 {
		return refusal{no}
	}
	return nil
}

func (r refusal) Unwrap() error { return r.error }
