// Package compose holds the scenarios' Compose files, for programs that run
// away from the checkout.
package compose

import "embed"

// Files has every scenario's topology, as <name>.yml.
//
//go:embed *.yml
var Files embed.FS
