package wire

import (
	"bytes"
	"errors"
	"io"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// MaxDatagramHeader is the longest header of a datagram, in bytes.
const MaxDatagramHeader = 3 + 1 + 1 + maxName + 2

// ErrFragment is a datagram that is one of several. RFC 1928 section 7 lets an
// implementation that does not put them together drop them.
var ErrFragment = errors.New("a fragment")

// Datagram is a datagram between a client and its UDP association.
type Datagram struct {
	Address addr.Remote // where it is to go, or where it came from
	Payload []byte
}

// ParseDatagram reads the header of RFC 1928 section 7. The payload is a part of b.
func ParseDatagram(b []byte) (Datagram, error) {
	if len(b) < 3 {
		return Datagram{}, io.ErrUnexpectedEOF
	}
	if b[2] != 0 {
		return Datagram{}, ErrFragment
	}
	r := bytes.NewReader(b[3:])
	a, err := readAddress(r)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return Datagram{Address: a, Payload: b[len(b)-r.Len():]}, err
}

// AppendDatagram appends a datagram's header and payload.
func AppendDatagram(b []byte, d Datagram) ([]byte, error) {
	b, err := appendAddress(append(b, 0, 0, 0), d.Address)
	return append(b, d.Payload...), err
}
