// Package pairing is the relay for two hosts of which neither can be called: both dial out to
// it, are paired by a token, and from then on what one sends is the other's. TCP is
// spliced as `relay tcp` does it; UDP is passed on datagram by datagram.
//
// Who may meet whom is package rendezvous's: its protocol, its limits. To each of the
// two the relay is the other end of a connection that it has opened itself, which is
// why every NAT on the way lets it pass.
package pairing
