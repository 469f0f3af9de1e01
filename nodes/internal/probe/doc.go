// Package probe is the command probe of the program client: it finds out from inside
// what the NAT before a host does, by asking a STUN server that has two addresses and
// two ports (RFC 5780).
//
// RFC 5780 has tests for UDP. For TCP the mapping is measured in the same way, one
// connection after the other from the same port; for the filtering the server is
// asked to connect to the host from elsewhere (see package stun).
package probe
