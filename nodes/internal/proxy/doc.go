// Package proxy is the client's side of a proxy: it connects by way of a SOCKS5 (RFC
// 1928, RFC 1929) or HTTP CONNECT (RFC 9110 section 9.3.6) server to a target, whose
// name the proxy looks up. Datagrams go by way of SOCKS5.
package proxy
