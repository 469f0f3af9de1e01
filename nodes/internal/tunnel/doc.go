// Package tunnel publishes servers that nobody can call, because a NAT stands before
// them, on the public address of a relay: the relay's side is Listen, the side
// behind the NAT is Client.
//
// The client dials out, once, and that one TCP connection carries everything. It
// begins with a handshake, each message a length of 16 bits and as many bytes, all
// numbers in network byte order:
//
//	relay   challenge  "crosslan tunnel", version 1, nonce (32)
//	client  request    nonce (32), proof (32), then for each port to publish:
//	                   protocol (1: 6 TCP, 17 UDP), port (2)
//	relay   answer     status (1), then if it is 0 proof (32) and the address
//	                   (4 or 16) that the ports are published on, else a text
//
// A proof is an HMAC-SHA256 (RFC 2104) under the token, of a label that names the
// side, both nonces and the ports: it shows that the side has the token, does not
// carry it, and is worth nothing in another handshake. Both sides prove it.
// The bytes that follow are not encrypted: as with any relay, a server that needs
// secrecy brings its own TLS. Who can listen on the line can also try guesses
// of the token at home: it should be long and random.
//
// After that the connection is yamux's. The relay opens a stream for each outside
// TCP connection and for each source of UDP datagrams. A stream begins with an
// opening, which tells the client which port it is for and who calls, and the
// client answers with an errno of 16 bits, 0 for connected. Then both sides send
// frames: a length of 16 bits and as many bytes. Of TCP a frame of length 0 is a FIN
// and a stream that ends without one is an RST: yamux has no word for either
// that would survive the loss of the line. Of UDP a frame is a datagram.
package tunnel
