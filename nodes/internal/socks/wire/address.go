package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// Address types (RFC 1928 section 5).
const (
	typeIPv4 = 1
	typeName = 3
	typeIPv6 = 4
)

// maxName is the longest name, in bytes: its length is one byte.
const maxName = 255

// errAddressType is an address of a type that RFC 1928 does not have.
var errAddressType = errors.New("an address of no known type")

// readAddress reads ATYP, ADDR and PORT. A name is one that could be looked up, or an
// address in letters; which, is the caller's to find out.
func readAddress(r io.Reader) (addr.Remote, error) {
	var b [1 + maxName + 2]byte
	if _, err := io.ReadFull(r, b[:1]); err != nil {
		return addr.Remote{}, err
	}
	size := 0
	switch b[0] {
	case typeIPv4:
		size = 4
	case typeIPv6:
		size = 16
	case typeName:
		var n [1]byte
		if _, err := io.ReadFull(r, n[:]); err != nil {
			return addr.Remote{}, err
		}
		size = int(n[0])
	default:
		return addr.Remote{}, fmt.Errorf("%w: %d", errAddressType, b[0])
	}
	rest := b[1 : 1+size+2]
	if _, err := io.ReadFull(r, rest); err != nil {
		return addr.Remote{}, err
	}
	remote := addr.Remote{Port: binary.BigEndian.Uint16(rest[size:])}
	if b[0] == typeName {
		var err error
		remote.Host, err = parseHost(string(rest[:size]))
		return remote, err
	}
	ip, _ := netip.AddrFromSlice(rest[:size])
	remote.Host = ip.String()
	return remote, nil
}

// appendAddress appends ATYP, ADDR and PORT.
func appendAddress(b []byte, r addr.Remote) ([]byte, error) {
	ip, err := netip.ParseAddr(r.Host)
	switch {
	case err == nil && ip.Zone() != "":
		return nil, fmt.Errorf("%s: a zone means nothing to another host", r.Host)
	case err == nil && ip.Is4():
		b = append(append(b, typeIPv4), ip.AsSlice()...)
	case err == nil:
		b = append(append(b, typeIPv6), ip.AsSlice()...)
	default:
		if err := checkName(r.Host); err != nil {
			return nil, err
		}
		b = append(append(b, typeName, byte(len(r.Host))), r.Host...)
	}
	return binary.BigEndian.AppendUint16(b, r.Port), nil
}

// parseHost reads a name, or an address in letters. An address gets its one spelling
// (RFC 5952), however it came: rules and logs see "::", not "000::0" beside it.
func parseHost(s string) (string, error) {
	if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
		return ip.String(), nil
	}
	return s, checkName(s)
}

// checkName refuses what can be no name, before it comes to a resolver or a log. It is
// stricter than RFC 1928, which says nothing of the bytes of a name, and laxer than the
// DNS's own rules: an underscore and UTF-8 are let through.
func checkName(s string) error {
	if s == "" || len(s) > maxName {
		return fmt.Errorf("a name of %d bytes", len(s))
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c > 0x7f:
		default:
			return fmt.Errorf("%q is neither a name nor an address", s)
		}
	}
	return nil
}
