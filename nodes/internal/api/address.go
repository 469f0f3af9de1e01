package api

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// sockaddr is a transport address as the system calls take it.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

// abstract is an address of AF_UNIX that is a name without a file: it needs no
// directory that can be written to, and is gone with its socket (unix(7)).
func abstract(name string) unix.Sockaddr { return &unix.SockaddrUnix{Name: "@" + name} }

// familyOf is the family that a socket for a is of.
func familyOf(a netip.AddrPort) family {
	if a.Addr().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// addrPort is the transport address in sa, or none.
func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// addrText writes sa as the lines show it. A raw socket's address has no port.
func addrText(sa unix.Sockaddr) string {
	if u, ok := sa.(*unix.SockaddrUnix); ok {
		if u.Name == "" || u.Name == "@" {
			return "(no name)"
		}
		return u.Name
	}
	if a := addrPort(sa); a.IsValid() {
		return a.String()
	}
	return "(no address)"
}
