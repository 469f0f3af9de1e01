// Command router joins the networks of a scenario.
package main

import (
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/router"
)

func main() {
	node.Main(router.Command())
}
