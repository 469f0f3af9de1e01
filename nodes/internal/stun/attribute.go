package stun

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/pion/stun/v3"
)

// ChangeRequest is the attribute CHANGE-REQUEST (RFC 5780 section 7.2): it asks for
// an answer from the server's other address, its other port, or both.
type ChangeRequest struct{ Addr, Port bool }

const (
	changeAddr = 0x4
	changePort = 0x2
)

// AddTo adds the attribute to a message.
func (c ChangeRequest) AddTo(m *stun.Message) error {
	var flags uint32
	if c.Addr {
		flags |= changeAddr
	}
	if c.Port {
		flags |= changePort
	}
	m.Add(stun.AttrChangeRequest, binary.BigEndian.AppendUint32(nil, flags))
	return nil
}

// GetFrom reads the attribute from a message. Without the attribute it is
// stun.ErrAttributeNotFound.
func (c *ChangeRequest) GetFrom(m *stun.Message) error {
	v, err := m.Get(stun.AttrChangeRequest)
	if err != nil {
		return err
	}
	if len(v) != 4 {
		return fmt.Errorf("CHANGE-REQUEST of %d bytes", len(v))
	}
	flags := binary.BigEndian.Uint32(v)
	*c = ChangeRequest{Addr: flags&changeAddr != 0, Port: flags&changePort != 0}
	return nil
}

// ResponsePort is the attribute RESPONSE-PORT (RFC 5780 section 7.5): it asks for an
// answer to another port of the address that the question comes from.
type ResponsePort uint16

// AddTo adds the attribute to a message.
func (p ResponsePort) AddTo(m *stun.Message) error {
	m.Add(stun.AttrResponsePort, binary.BigEndian.AppendUint16(nil, uint16(p)))
	return nil
}

// GetFrom reads the attribute from a message. Its two bytes of padding may be counted
// or not: RFC 5780 can be read both ways.
func (p *ResponsePort) GetFrom(m *stun.Message) error {
	v, err := m.Get(stun.AttrResponsePort)
	if err != nil {
		return err
	}
	if len(v) != 2 && len(v) != 4 {
		return fmt.Errorf("RESPONSE-PORT of %d bytes", len(v))
	}
	*p = ResponsePort(binary.BigEndian.Uint16(v))
	if *p == 0 {
		return errors.New("RESPONSE-PORT 0")
	}
	return nil
}

// Mapped returns the XOR-MAPPED-ADDRESS of a message.
func Mapped(m *stun.Message) (netip.AddrPort, error) {
	var a stun.XORMappedAddress
	if err := get(m, stun.AttrXORMappedAddress, &a); err != nil {
		return netip.AddrPort{}, err
	}
	return addrPort(stun.AttrXORMappedAddress, a.IP, a.Port)
}

// Other returns the OTHER-ADDRESS of a message.
func Other(m *stun.Message) (netip.AddrPort, error) {
	var a stun.OtherAddress
	if err := get(m, stun.AttrOtherAddress, &a); err != nil {
		return netip.AddrPort{}, err
	}
	return addrPort(stun.AttrOtherAddress, a.IP, a.Port)
}

// Lengths of the value of an address attribute (RFC 8489 section 14.1).
const (
	addressSize4 = 4 + net.IPv4len
	addressSize6 = 4 + net.IPv6len
)

// get reads an address attribute. The library takes a value that is cut short for
// one that ends in zeros.
func get(m *stun.Message, t stun.AttrType, a stun.Getter) error {
	v, err := m.Get(t)
	if err != nil {
		return err
	}
	if len(v) != addressSize4 && len(v) != addressSize6 {
		return fmt.Errorf("%v of %d bytes", t, len(v))
	}
	return a.GetFrom(m)
}

func addrPort(t stun.AttrType, ip net.IP, port int) (netip.AddrPort, error) {
	a, ok := netip.AddrFromSlice(ip)
	if !ok || port < 0 || port > 0xffff {
		return netip.AddrPort{}, fmt.Errorf("%v is no address: %v port %d", t, ip, port)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(port)), nil
}
