// Package portmap lets a host open a port in its own router: the router's server and
// the host's client of NAT-PMP (RFC 6886), of the Port Control Protocol (PCP, RFC
// 6887) and of UPnP's Internet Gateway Device (WANIPConnection:1).
//
// The three ask for the same thing, a lease: what arrives at an outside port goes to
// an inside transport address, for a time. The server keeps the leases, and each of
// them is a forward of the NAT in the kernel (package nat) as long as it lasts.
package portmap

// Port is the UDP port of NAT-PMP and PCP, which their versions tell apart (RFC
// 6887, section 19).
const Port = 5351
