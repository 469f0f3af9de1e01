package portmap

import (
	"cmp"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// The errors of UPnP (Device Architecture 1.1, 3.2.2) and of WANIPConnection:1
// (2.4.16 and 2.4.18).
const (
	upnpInvalidAction   = 401
	upnpInvalidArgs     = 402
	upnpActionFailed    = 501
	upnpNotAuthorized   = 606
	upnpNoSuchIndex     = 713
	upnpNoSuchEntry     = 714
	upnpWildCardOutside = 716
	upnpConflict        = 718
	upnpAnyRemoteOnly   = 726
	upnpNoPorts         = 728
)

var upnpResults = map[int]result{
	upnpInvalidAction:   {"InvalidAction", "the router does not know this action"},
	upnpInvalidArgs:     {"InvalidArgs", "the router cannot read an argument"},
	upnpActionFailed:    {"ActionFailed", "the router could not do it"},
	upnpNotAuthorized:   {"ActionNotAuthorized", "the router does not allow it"},
	upnpNoSuchIndex:     {"SpecifiedArrayIndexInvalid", "there are not so many mappings"},
	upnpNoSuchEntry:     {"NoSuchEntryInArray", "there is no such mapping"},
	upnpWildCardOutside: {"WildCardNotPermittedInExtPort", "an outside port must be named"},
	upnpConflict:        {"ConflictInMappingEntry", "the outside port is taken"},
	upnpAnyRemoteOnly:   {"RemoteHostOnlySupportsWildcard", "a mapping is for everybody outside"},
	upnpNoPorts:         {"NoPortMapsAvailable", "the router has no room for another mapping"},
}

func upnpRefused(code int) *Refused {
	r, ok := upnpResults[code]
	if !ok {
		r = result{"UPnPError", "the router refuses"}
	}
	return &Refused{r.name, code, r.meaning}
}

// perform does what an action says.
func (d *gatewayDevice) perform(a action, from netip.AddrPort) ([]argument, error) {
	if a.service == linkType {
		return a.ofLink()
	}
	switch a.name {
	case "GetConnectionTypeInfo":
		return []argument{{"NewConnectionType", "IP_Routed"}, {"NewPossibleConnectionTypes", "IP_Routed"}}, nil
	case "GetNATRSIPStatus":
		return []argument{{"NewRSIPAvailable", "0"}, {"NewNATEnabled", "1"}}, nil
	case "RequestConnection":
		return nil, nil // there always is one
	case "GetExternalIPAddress":
		outside, err := d.server.leases.outside()
		return []argument{{"NewExternalIPAddress", outside.String()}}, err
	case "GetStatusInfo":
		return []argument{{"NewConnectionStatus", "Connected"}, {"NewLastConnectionError", "ERROR_NONE"},
			{"NewUptime", strconv.Itoa(int(d.server.leases.seconds()))}}, nil
	case "AddPortMapping":
		return nil, d.add(a, from.Addr())
	case "DeletePortMapping":
		return nil, d.delete(a, from.Addr())
	case "GetSpecificPortMappingEntry":
		return d.entry(a)
	case "GetGenericPortMappingEntry":
		return d.nth(a)
	}
	return nil, upnpRefused(upnpInvalidAction)
}

// add makes a lease for the host that asks; for another one it is refused.
func (d *gatewayDevice) add(a action, from netip.Addr) error {
	protocol, outside, err := a.outside()
	if err != nil {
		return err
	}
	inside, err := a.port("NewInternalPort")
	if err != nil || inside == 0 {
		return upnpRefused(upnpInvalidArgs)
	}
	host, err := netip.ParseAddr(a.in["NewInternalClient"])
	if err != nil {
		return upnpRefused(upnpInvalidArgs)
	}
	lifetime, err := a.lifetime()
	if err != nil {
		return err
	}
	if host != from {
		return errNotAuthorized
	}
	w := wish{
		owner: owner{by: byUPnP}, protocol: protocol, inside: netip.AddrPortFrom(host, inside), outside: outside, exact: true,
		lifetime: lifetime, about: a.about(),
	}
	if _, err := d.server.leases.grant(w); err != nil {
		return err
	}
	return nil
}

// delete ends the lease of an outside port, which must be of the host that asks.
func (d *gatewayDevice) delete(a action, from netip.Addr) error {
	protocol, outside, err := a.outside()
	if err != nil {
		return err
	}
	l, ok := d.server.leases.at(protocol, outside)
	switch {
	case !ok:
		return upnpRefused(upnpNoSuchEntry)
	case l.Inside.Addr() != from || !l.isOf(owner{}):
		return errNotAuthorized
	}
	return d.server.leases.end(protocol, l.Inside, owner{by: byUPnP})
}

// entry tells what an outside port is mapped to.
func (d *gatewayDevice) entry(a action) ([]argument, error) {
	protocol, outside, err := a.outside()
	if err != nil {
		return nil, err
	}
	l, ok := d.server.leases.at(protocol, outside)
	if !ok {
		return nil, upnpRefused(upnpNoSuchEntry)
	}
	return l.arguments(), nil
}

// nth tells of one mapping after the other: a client asks for 0, 1 and so on until there
// is none. Those of other hosts are no secret, as with any router of this kind.
func (d *gatewayDevice) nth(a action) ([]argument, error) {
	i, err := a.port("NewPortMappingIndex")
	if err != nil {
		return nil, err
	}
	l, ok := d.server.leases.nth(int(i))
	if !ok {
		return nil, upnpRefused(upnpNoSuchIndex)
	}
	return append([]argument{
		{"NewRemoteHost", ""},
		{"NewExternalPort", strconv.Itoa(int(l.Outside.Port()))},
		{"NewProtocol", strings.ToUpper(l.Protocol.String())},
	}, l.arguments()...), nil
}

// arguments are what a mapping is.
func (l lease) arguments() []argument {
	return []argument{
		{"NewInternalPort", strconv.Itoa(int(l.Inside.Port()))},
		{"NewInternalClient", l.Inside.Addr().String()},
		{"NewEnabled", "1"},
		{"NewPortMappingDescription", cmp.Or(l.about, l.by)},
		{"NewLeaseDuration", strconv.Itoa(int(l.left(time.Now())))},
	}
}

// ofLink tells of the outside's link. A virtual one has no rate of its own: it is said to be
// as fast as there is a number for.
func (a action) ofLink() ([]argument, error) {
	if a.name != "GetCommonLinkProperties" {
		return nil, upnpRefused(upnpInvalidAction)
	}
	rate := strconv.Itoa(math.MaxUint32)
	return []argument{{"NewWANAccessType", "Ethernet"}, {"NewLayer1UpstreamMaxBitRate", rate},
		{"NewLayer1DownstreamMaxBitRate", rate}, {"NewPhysicalLinkStatus", "Up"}}, nil
}

// longestAbout is how much of a description is kept, in bytes.
const longestAbout = 64

// about reads what the mapping is for, in the client's own words.
func (a action) about() string {
	s := a.in["NewPortMappingDescription"]
	return strings.ToValidUTF8(s[:min(len(s), longestAbout)], "")
}

// outside reads what names a mapping: protocol, outside port, and no remote host.
func (a action) outside() (nat.Protocol, uint16, error) {
	if remote := a.in["NewRemoteHost"]; remote != "" && remote != "0.0.0.0" {
		return 0, 0, upnpRefused(upnpAnyRemoteOnly)
	}
	var p nat.Protocol
	if err := p.UnmarshalText([]byte(strings.ToLower(a.in["NewProtocol"]))); err != nil || p == nat.ICMP {
		return 0, 0, upnpRefused(upnpInvalidArgs)
	}
	port, err := a.port("NewExternalPort")
	if err == nil && port == 0 {
		err = upnpRefused(upnpWildCardOutside)
	}
	return p, port, err
}

func (a action) port(name string) (uint16, error) {
	n, err := strconv.ParseUint(a.in[name], 10, 16)
	if err != nil {
		return 0, upnpRefused(upnpInvalidArgs)
	}
	return uint16(n), nil
}

// lifetime reads how long a lease is asked for. Zero means for good, which no lease is
// here: the longest is given, and who wants more renews (as in WANIPConnection:2).
func (a action) lifetime() (time.Duration, error) {
	n, err := strconv.ParseUint(a.in["NewLeaseDuration"], 10, 32)
	enabled := a.in["NewEnabled"]
	if err != nil || enabled != "1" && !strings.EqualFold(enabled, "true") && !strings.EqualFold(enabled, "yes") {
		return 0, upnpRefused(upnpInvalidArgs)
	}
	if n == 0 {
		return longest, nil
	}
	return seconds(uint32(n)), nil
}
