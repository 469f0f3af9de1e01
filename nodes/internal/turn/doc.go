// Package turn is a TURN server (RFC 8656) and its client.
//
// A client behind any NAT asks the server for an allocation: a relayed transport
// address on the server, at which peers reach it. The client says which peers may
// (permissions), and what passes between it and a peer goes through the server.
//
// The server keeps two planes apart. Requests (Allocate, Refresh, CreatePermission,
// ChannelBind) are authenticated and checked here, and then carried out by
// pion/turn, which keeps allocations, permissions and channels with their lifetimes.
// Data (Send and Data indications, ChannelData) never passes through pion/turn: it is
// checked against what was granted and carried here, so that the peers that must
// never be reached are refused in one place, and a packet costs little.
package turn
