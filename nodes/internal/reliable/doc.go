// Package reliable makes a stream of bytes of a path that carries datagrams: files and
// chats need one, and a path that was punched for UDP loses, doubles and overtakes. The
// protocol is QUIC (RFC 9000), which exists for that; what TCP does in the kernel, it does
// in the program.
//
// The two ends of the path are told apart by who leads: that one is QUIC's client. Each
// opens one stream for what it says, and ends it when that is all. Whoever has read the
// other's stream to its end ends the other direction of the same stream, which nothing
// else is said in: so each knows that the other has everything, and does not close before.
//
// Both ends share a key. Each proves with TLS 1.3 that it has an Ed25519 key which comes
// from that, so what is said is also secret.
package reliable
