package portmap

import (
	"encoding/binary"
	"net/netip"
)

const (
	pcpVersion   = 2
	pcpHeader    = 24   // bytes
	pcpMapLength = 36   // bytes after the header
	pcpLargest   = 1100 // bytes (RFC 6887, section 7)
)

// The opcodes of PCP that this package knows (RFC 6887, section 19.2).
const (
	pcpAnnounce = 0
	pcpMap      = 1
)

// The results of PCP (RFC 6887, section 7.4).
const (
	pcpSuccess          = 0
	pcpUnsuppVersion    = 1
	pcpNotAuthorized    = 2
	pcpMalformedRequest = 3
	pcpUnsuppOpcode     = 4
	pcpUnsuppOption     = 5
	pcpMalformedOption  = 6
	pcpNetworkFailure   = 7
	pcpNoResources      = 8
	pcpUnsuppProtocol   = 9
	pcpUserExQuota      = 10
	pcpCannotProvide    = 11
	pcpAddressMismatch  = 12
)

var pcpResults = []result{
	{"SUCCESS", ""},
	{"UNSUPP_VERSION", "the router does not speak PCP's version 2"},
	{"NOT_AUTHORIZED", "the router does not allow it"},
	{"MALFORMED_REQUEST", "the router cannot read the request"},
	{"UNSUPP_OPCODE", "the router does not know this request"},
	{"UNSUPP_OPTION", "the router does not allow one of the request's options"},
	{"MALFORMED_OPTION", "the router cannot read one of the request's options"},
	{"NETWORK_FAILURE", "the router's own outside does not work"},
	{"NO_RESOURCES", "the router has no room for another mapping"},
	{"UNSUPP_PROTOCOL", "the router maps TCP and UDP only"},
	{"USER_EX_QUOTA", "this host has as many mappings as it may"},
	{"CANNOT_PROVIDE_EXTERNAL", "the outside port that was asked for is not to be had"},
	{"ADDRESS_MISMATCH", "another NAT is between this host and the router"},
	{"EXCESSIVE_REMOTE_PEERS", "too many filters"},
}

// nonce tells one program's mapping from another's (RFC 6887, section 11.1).
type nonce [12]byte

// pcpMapping is what the opcode MAP carries, in both directions.
type pcpMapping struct {
	nonce    nonce
	protocol uint8 // of IP; 0 means all
	inside   uint16
	outside  uint16     // suggested or assigned
	address  netip.Addr // likewise; :: or ::ffff:0.0.0.0 suggests none
}

// pcpRequest is a request of PCP.
type pcpRequest struct {
	opcode   uint8
	lifetime uint32     // seconds; 0 deletes
	client   netip.Addr // as the client knows itself
	mapping  pcpMapping // of MAP
	options  []pcpOption
}

// pcpFault is why a request cannot be granted, as the protocol's result.
type pcpFault int

func (f pcpFault) Error() string { return refused(pcpResults, int(f)).Error() }

// parsePCPRequest reads a request in the order of RFC 6887, section 8.3. Its error
// is errNotRequest, or the pcpFault to answer with; then what could be read is there.
func parsePCPRequest(b []byte) (pcpRequest, error) {
	if len(b) < 2 || b[1]&responseBit != 0 {
		return pcpRequest{}, errNotRequest
	}
	r := pcpRequest{opcode: b[1]}
	if b[0] != pcpVersion {
		return r, pcpFault(pcpUnsuppVersion)
	}
	if len(b) < pcpHeader || len(b) > pcpLargest || len(b)%4 != 0 {
		return r, pcpFault(pcpMalformedRequest)
	}
	r.lifetime = binary.BigEndian.Uint32(b[4:])
	r.client = addr16(b[8:])
	b = b[pcpHeader:]
	switch r.opcode {
	case pcpAnnounce:
	case pcpMap:
		if len(b) < pcpMapLength {
			return r, pcpFault(pcpMalformedRequest)
		}
		r.mapping = parsePCPMapping(b)
		b = b[pcpMapLength:]
	default:
		return r, pcpFault(pcpUnsuppOpcode)
	}
	var err error
	r.options, err = parsePCPOptions(b)
	return r, err
}

func (r pcpRequest) append(b []byte) []byte {
	b = append(b, pcpVersion, r.opcode, 0, 0)
	b = binary.BigEndian.AppendUint32(b, r.lifetime)
	b = appendAddr16(b, r.client)
	if r.opcode == pcpMap {
		b = r.mapping.append(b)
	}
	for _, o := range r.options {
		b = o.append(b)
	}
	return b
}

func parsePCPMapping(b []byte) pcpMapping {
	return pcpMapping{
		nonce:    nonce(b),
		protocol: b[12],
		inside:   binary.BigEndian.Uint16(b[16:]),
		outside:  binary.BigEndian.Uint16(b[18:]),
		address:  addr16(b[20:]),
	}
}

func (m pcpMapping) append(b []byte) []byte {
	b = append(b, m.nonce[:]...)
	b = append(b, m.protocol, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, m.inside)
	b = binary.BigEndian.AppendUint16(b, m.outside)
	return appendAddr16(b, m.address)
}

// pcpResponse answers a request.
type pcpResponse struct {
	opcode   uint8 // the request's
	result   uint8
	lifetime uint32 // of the mapping, or how long the error will last
	epoch    uint32 // seconds since the router lost its leases
	mapping  pcpMapping
	options  []pcpOption
}

func (r pcpResponse) appendHeader(b []byte) []byte {
	b = append(b, pcpVersion, r.opcode|responseBit, 0, r.result)
	b = binary.BigEndian.AppendUint32(b, r.lifetime)
	b = binary.BigEndian.AppendUint32(b, r.epoch)
	return append(b, make([]byte, 12)...)
}

func (r pcpResponse) append(b []byte) []byte {
	b = r.appendHeader(b)
	if r.opcode == pcpMap {
		b = r.mapping.append(b)
	}
	for _, o := range r.options {
		b = o.append(b)
	}
	return b
}

// appendError answers a request that may be unreadable with a copy of what came
// after its header (RFC 6887, section 8.3).
func (r pcpResponse) appendError(b, request []byte) []byte {
	b = r.appendHeader(b)
	if len(request) > pcpHeader {
		b = append(b, request[pcpHeader:min(len(request), pcpLargest)]...)
	}
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func parsePCPResponse(b []byte) (pcpResponse, error) {
	if len(b) < pcpHeader || len(b) > pcpLargest || len(b)%4 != 0 || b[0] != pcpVersion || b[1]&responseBit == 0 {
		return pcpResponse{}, errMalformed
	}
	r := pcpResponse{
		opcode:   b[1] &^ responseBit,
		result:   b[3],
		lifetime: binary.BigEndian.Uint32(b[4:]),
		epoch:    binary.BigEndian.Uint32(b[8:]),
	}
	if r.opcode != pcpMap {
		return r, nil
	}
	if len(b) < pcpHeader+pcpMapLength {
		if r.result == pcpSuccess {
			return pcpResponse{}, errMalformed
		}
		return r, nil
	}
	r.mapping = parsePCPMapping(b[pcpHeader:])
	return r, nil
}

// addr16 reads an address of 16 bytes; an IPv4-mapped one is the IPv4 address.
func addr16(b []byte) netip.Addr { return netip.AddrFrom16([16]byte(b)).Unmap() }

func appendAddr16(b []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		a = netip.IPv6Unspecified()
	}
	all := a.As16()
	return append(b, all[:]...)
}
