package portmap

import (
	"encoding/binary"
	"net/netip"
)

// The options of PCP that this package knows (RFC 6887, section 13).
const (
	pcpThirdParty    = 1 // the mapping is for another host
	pcpPreferFailure = 2 // the suggested outside port or none
)

// pcpOptional are the codes that a server may ignore (RFC 6887, section 7.3).
const pcpOptional = 128

// pcpOption is a code with its data.
type pcpOption struct {
	code uint8
	data []byte
}

func thirdParty(host netip.Addr) pcpOption {
	return pcpOption{pcpThirdParty, appendAddr16(nil, host)}
}

// parsePCPOptions reads options to the end of b. Its error is a pcpFault.
func parsePCPOptions(b []byte) ([]pcpOption, error) {
	var options []pcpOption
	for len(b) > 0 {
		if len(b) < 4 {
			return nil, pcpFault(pcpMalformedOption)
		}
		length := int(binary.BigEndian.Uint16(b[2:]))
		padded := 4 + (length+3)/4*4
		if padded > len(b) {
			return nil, pcpFault(pcpMalformedOption)
		}
		options = append(options, pcpOption{b[0], b[4 : 4+length]})
		b = b[padded:]
	}
	return options, nil
}

func (o pcpOption) append(b []byte) []byte {
	b = append(b, o.code, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(o.data)))
	b = append(b, o.data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
