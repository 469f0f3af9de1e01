package portmap

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// errMalformed is what is answered, at most, by the protocol's own error.
var errMalformed = errors.New("malformed")

// errNotRequest is a message that is never answered, such as somebody's response.
var errNotRequest = errors.New("not a request")

const (
	pmpVersion  = 0
	responseBit = 0x80 // of the opcode, in NAT-PMP and in PCP
)

// The opcodes of NAT-PMP (RFC 6886, section 3).
const (
	pmpAddress = 0 // asks for the outside address
	pmpUDP     = 1
	pmpTCP     = 2
)

// The results of NAT-PMP (RFC 6886, section 3.5).
const (
	pmpSuccess            = 0
	pmpUnsupportedVersion = 1
	pmpNotAuthorized      = 2
	pmpNetworkFailure     = 3
	pmpOutOfResources     = 4
	pmpUnsupportedOpcode  = 5
)

var pmpResults = []result{
	{"SUCCESS", ""},
	{"UNSUPPORTED_VERSION", "the router does not speak NAT-PMP"},
	{"NOT_AUTHORIZED", "the router does not allow it"},
	{"NETWORK_FAILURE", "the router's own outside does not work"},
	{"OUT_OF_RESOURCES", "the router has no room for another mapping"},
	{"UNSUPPORTED_OPCODE", "the router does not know this request"},
}

// pmpRequest is a request of NAT-PMP. The fields after opcode are a mapping's.
type pmpRequest struct {
	opcode          uint8
	inside, outside uint16
	lifetime        uint32 // seconds; 0 deletes
}

// parsePMPRequest reads a request whose version is 0. On errMalformed the opcode is
// there nevertheless.
func parsePMPRequest(b []byte) (pmpRequest, error) {
	if len(b) < 2 || b[1]&responseBit != 0 {
		return pmpRequest{}, errNotRequest
	}
	r := pmpRequest{opcode: b[1]}
	switch {
	case r.opcode == pmpAddress && len(b) == 2:
		return r, nil
	case r.opcode > pmpTCP: // answered by its opcode alone
		return r, nil
	case r.opcode == pmpAddress || len(b) != 12:
		return r, errMalformed
	}
	r.inside = binary.BigEndian.Uint16(b[4:])
	r.outside = binary.BigEndian.Uint16(b[6:])
	r.lifetime = binary.BigEndian.Uint32(b[8:])
	return r, nil
}

func (r pmpRequest) append(b []byte) []byte {
	b = append(b, pmpVersion, r.opcode)
	if r.opcode == pmpAddress {
		return b
	}
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, r.inside)
	b = binary.BigEndian.AppendUint16(b, r.outside)
	return binary.BigEndian.AppendUint32(b, r.lifetime)
}

// protocol is what a mapping request maps.
func (r pmpRequest) protocol() nat.Protocol {
	if r.opcode == pmpTCP {
		return nat.TCP
	}
	return nat.UDP
}

func pmpOpcode(p nat.Protocol) uint8 {
	if p == nat.TCP {
		return pmpTCP
	}
	return pmpUDP
}

// pmpResponse answers a request: with an address, or with a mapping's ports.
type pmpResponse struct {
	opcode          uint8 // the request's
	result          uint16
	epoch           uint32 // seconds since the router lost its leases
	address         netip.Addr
	inside, outside uint16
	lifetime        uint32
}

func (r pmpResponse) append(b []byte) []byte {
	b = append(b, pmpVersion, r.opcode|responseBit)
	b = binary.BigEndian.AppendUint16(b, r.result)
	b = binary.BigEndian.AppendUint32(b, r.epoch)
	switch r.opcode {
	case pmpAddress:
		address := [4]byte{} // zero where there is an error
		if r.address.Is4() {
			address = r.address.As4()
		}
		return append(b, address[:]...)
	case pmpUDP, pmpTCP:
		b = binary.BigEndian.AppendUint16(b, r.inside)
		b = binary.BigEndian.AppendUint16(b, r.outside)
		return binary.BigEndian.AppendUint32(b, r.lifetime)
	}
	return b
}

func parsePMPResponse(b []byte) (pmpResponse, error) {
	if len(b) < 8 || b[0] != pmpVersion || b[1]&responseBit == 0 {
		return pmpResponse{}, errMalformed
	}
	r := pmpResponse{
		opcode: b[1] &^ responseBit,
		result: binary.BigEndian.Uint16(b[2:]),
		epoch:  binary.BigEndian.Uint32(b[4:]),
	}
	switch {
	case r.opcode == pmpAddress && len(b) == 12:
		r.address = netip.AddrFrom4([4]byte(b[8:]))
	case (r.opcode == pmpUDP || r.opcode == pmpTCP) && len(b) == 16:
		r.inside = binary.BigEndian.Uint16(b[8:])
		r.outside = binary.BigEndian.Uint16(b[10:])
		r.lifetime = binary.BigEndian.Uint32(b[12:])
	case r.result == pmpSuccess: // an error may be short
		return pmpResponse{}, errMalformed
	}
	return r, nil
}
