// The runtime would hold the files of its CPU cgroup open, and how many these are
// depends on the machine. Without them the first socket of api is descriptor 3
// everywhere, as in a program in C or Python.

//go:debug containermaxprocs=0

// Command server runs the services of the socket tutorials.
package main

import (
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/service"
)

func main() {
	node.Main(service.Command(&service.All))
}
