// Package names is how a name becomes an address: the command resolve of the program
// client, which shows each step, and the zone that the program server answers from.
//
// The messages are golang.org/x/net/dns/dnsmessage's, which has all that address
// records need; miekg/dns would bring a server and a hundred record types on top.
package names

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/idna"
)

// fqdn returns a name as DNS has it: ASCII, with a dot at the end. Its length and
// those of its labels are RFC 1035 section 2.3.4's.
func fqdn(name string) (dnsmessage.Name, error) {
	// The profile for registering would refuse the underscores of container names.
	ascii, err := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII(strings.TrimSuffix(name, "."))
	if err != nil {
		return dnsmessage.Name{}, fmt.Errorf("%q is not a name: %w", name, err)
	}
	if ascii == "" {
		return dnsmessage.Name{}, fmt.Errorf("%q is not a name", name)
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > 63 {
			return dnsmessage.Name{}, fmt.Errorf("%q is not a name: between dots are 1 to 63 characters", name)
		}
	}
	if len(ascii) > 253 {
		return dnsmessage.Name{}, fmt.Errorf("%q is not a name: it is longer than 253 characters", name)
	}
	return dnsmessage.NewName(ascii + ".")
}

// typeName is the name of a record type as people write it: "A".
func typeName(t dnsmessage.Type) string { return strings.TrimPrefix(t.String(), "Type") }

// codeName is the name of a response code as people write it (RFC 1035 section 4.1.1,
// RFC 2136 section 2.2).
func codeName(c dnsmessage.RCode) string {
	switch c {
	case dnsmessage.RCodeSuccess:
		return "NOERROR"
	case dnsmessage.RCodeFormatError:
		return "FORMERR"
	case dnsmessage.RCodeServerFailure:
		return "SERVFAIL"
	case dnsmessage.RCodeNameError:
		return "NXDOMAIN"
	case dnsmessage.RCodeNotImplemented:
		return "NOTIMP"
	case dnsmessage.RCodeRefused:
		return "REFUSED"
	}
	return fmt.Sprintf("response code %d", uint16(c))
}

// typeOf is the record type for addresses of a's family.
func typeOf(a netip.Addr) dnsmessage.Type {
	if a.Is4() {
		return dnsmessage.TypeA
	}
	return dnsmessage.TypeAAAA
}

// bodyAddr returns the address of an A or AAAA record.
func bodyAddr(b dnsmessage.ResourceBody) (netip.Addr, bool) {
	switch b := b.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(b.A), true
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(b.AAAA), true
	}
	return netip.Addr{}, false
}
