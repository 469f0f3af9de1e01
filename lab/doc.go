// Package lab runs the topology of a Compose file as containers on one
// machine: networks that stand for LANs, nodes with fixed addresses in them,
// and nothing that would let a packet go round the routers between them.
//
// Five verbs do the work: [Load] reads a file, [Start] brings it up, [Run] does
// both inside a test and cleans up after it, [Node.Exec] runs a program in a
// node, and [Lab.Stop] takes everything away.
//
//	l := lab.Run(t, "../compose/routed.yml")
//	r, err := l.Node("host-a").Exec(ctx, "client", "echo", "10.3.2.10:50007", "hi")
//
// Containers are made by testcontainers-go; what it has no word for (driver
// options of networks, addresses on further networks, exec and readiness
// without polling) goes through the engine's own client, in the files whose
// names begin with engine.
//
// testcontainers' own reaper is a container that has to be pulled, so it is
// switched off (TESTCONTAINERS_RYUK_DISABLED) unless the caller has set that
// variable: each Start removes the labs whose owner is gone instead.
package lab
