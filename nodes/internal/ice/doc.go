// Package ice finds the best path between two hosts by ICE (RFC 8445), with pion/ice,
// and says how it was found: each side gathers the addresses at which it may be reached
// (candidates), tells them to the other, both check every pair, and one chooses.
//
// What the sides tell each other, the signalling, needs a path that exists already. Here
// it is a TCP connection of each to `relay rendezvous`, which pairs them by a token and
// carries bytes; a program on the web would use its own server. Each sends one message
// with its credentials and all its candidates (no trickling), sealed under a key from
// the token: who carries it can neither read nor change it.
package ice
