package batch

import (
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// NameOf returns a in the form of the kernel, for a socket of a's family. The zone of a
// link-local address must be the interface's number.
func NameOf(a netip.AddrPort) *Name {
	n := &Name{}
	if a.Addr().Is4() {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&n.raw))
		v4.Family, v4.Addr = unix.AF_INET, a.Addr().As4()
		n.length = unix.SizeofSockaddrInet4
	} else {
		n.raw.Family, n.raw.Addr = unix.AF_INET6, a.Addr().As16()
		if zone, err := strconv.ParseUint(a.Addr().Zone(), 10, 32); err == nil {
			n.raw.Scope_id = uint32(zone)
		}
		n.length = unix.SizeofSockaddrInet6
	}
	port := (*[2]byte)(unsafe.Pointer(&n.raw.Port)) // the same place in both families
	port[0], port[1] = byte(a.Port()>>8), byte(a.Port())
	return n
}
