// Package relay carries bytes between hosts that cannot reach each other: TCP
// connections and UDP datagrams, from an address that a client can reach to a
// target that the relay can reach.
//
// To the target, the relay is the client: the target observes the relay's address,
// and neither side's address is told to the other.
//
// TCP is carried end by end. A FIN ends one direction and leaves the other open
// (RFC 9293 section 3.6), an RST on either side becomes an RST on the other, so each
// side sees how the other ended. UDP is carried datagram by datagram, in sessions
// that end by silence, as a NAT's mappings do (RFC 4787 section 4.3).
package relay
