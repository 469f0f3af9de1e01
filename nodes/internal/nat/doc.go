// Package nat programs network address translation into the kernel: all nine
// combinations of the mapping and filtering behaviours of RFC 4787, for UDP (RFC
// 4787), TCP (RFC 5382) and ICMP queries (RFC 5508), and a stateful firewall with
// the same three filterings for IPv6.
//
// The kernel does all of the work. A Config becomes a Plan (the interfaces found),
// the Plan becomes a Ruleset (plain data, by a pure function), and the Ruleset
// becomes one nftables transaction. Nothing runs in user space afterwards, and what
// Show prints is read from the kernel's own tables, so that a router can be shown,
// changed and flushed by another process than the one that set it up.
//
// docs/nat.md explains the rules packet by packet.
package nat
