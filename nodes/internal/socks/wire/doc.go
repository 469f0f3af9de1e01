// Package wire is what a client and a proxy say to each other before bytes are
// carried: SOCKS5 (RFC 1928), its username and password (RFC 1929), and HTTP CONNECT
// (RFC 9110 section 9.3.6) with the scheme Basic (RFC 7617).
//
// Nothing reads further than a message's own end, so what follows it is still in the
// socket, and a relay can splice it.
package wire
