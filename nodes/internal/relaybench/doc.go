// Package relaybench measures the node relay beside other relays, side by side in one
// run: `relay tcp`, `relay rendezvous` and `relay tunnel` beside HAProxy, nginx and
// socat, `relay udp` and `relay turn` beside coturn. It is benchmarks alone:
//
//	go test ./nodes/internal/relaybench -run '^$' -bench . -timeout 20m
//
// Client, relay and server are processes in three network namespaces (so it needs
// root). What is called direct is the same client and server with the
// relay's namespace as a router between them: as many hops, and no relay.
package relaybench
