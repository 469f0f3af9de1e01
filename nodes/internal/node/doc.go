// Package node is what every program of the node image has in common: the
// events it prints, the signals that end it, and how it reports an error.
//
// A program's main is one line, node.Main(command); inside the command,
// node.From(cmd.Context()) is where events go.
package node
