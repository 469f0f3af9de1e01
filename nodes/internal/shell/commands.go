package shell

import (
	"maps"
	"slices"
	"strings"
)

// fromCoreutils is what package coreutils has, which does not tell it; a test
// holds the two together.
var fromCoreutils = []string{
	"base64", "cat", "chmod", "cp", "find", "gunzip", "gzcat", "gzip", "ls", "mkdir", "mktemp", "mv", "rm", "shasum", "tar", "touch", "xargs",
}

// commands lists what can be called, beside what help lists.
func commands(c *call) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	names := append(slices.Collect(maps.Keys(table())), fromCoreutils...)
	slices.Sort(names)
	return c.println(strings.Join(names, " "))
}
