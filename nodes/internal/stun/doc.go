// Package stun is a STUN server (RFC 8489), over UDP and TCP, that also answers the
// questions of NAT behaviour discovery (RFC 5780): with a second address and a
// second port it can send its answer from elsewhere than where it was asked, so that
// a client learns what its NAT does with strangers.
//
// RFC 5780 knows filtering tests for UDP only. Over TCP an answer cannot come from
// another address on the connection of the question, so here the server connects,
// from the address and port that CHANGE-REQUEST asks for, to the client's observed
// address, and answers there. A client that listens on the port it asked from learns
// by that whether its NAT lets a stranger's SYN in. What may have been lost is tried
// again, from other ports of the same address. If no connection comes about, the
// server says so where it was asked, with the error 447 that RFC 6062 has for a TURN
// server in the same position.
package stun
