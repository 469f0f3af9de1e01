// The runtime would hold the files of its CPU cgroup open, and how many these are
// depends on the machine. Without them the first socket of api is descriptor 3
// everywhere, as in a program in C or Python.

//go:debug containermaxprocs=0

// Command client talks to the services of the socket tutorials.
package main

import (
	"github.com/crosslan/crosslan/nodes/internal/client"
	_ "github.com/crosslan/crosslan/nodes/internal/descriptors" // as in C, the first socket is 3
	"github.com/crosslan/crosslan/nodes/internal/node"
)

func main() {
	node.Main(client.Command())
}
