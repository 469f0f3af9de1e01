// Package socks is a proxy: a relay whose client says where it wants to go, by SOCKS5
// (RFC 1928; CONNECT and UDP ASSOCIATE) or by HTTP CONNECT (RFC 9110 section 9.3.6), on
// one port. The first byte tells them apart: 5, or a capital letter.
//
// A name is looked up here, so the client need not know any. Who may use the proxy is
// a matter of users and passwords (RFC 1929, RFC 7617), where it may be sent to, of
// rules. Once connected it is `relay tcp`: the target observes the relay's address, a
// FIN is carried as a FIN and an RST as an RST, and bytes are spliced.
//
// docs/proxy.md has the bytes, the replies and the limits.
package socks
