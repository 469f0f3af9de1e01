//go:build race

package shell

import "golang.org/x/sys/unix"

// memoryLimit is none: the race detector alone maps terabytes.
const memoryLimit uint64 = unix.RLIM_INFINITY

// processEnv keeps the race detector from sleeping a second at the end of each
// process.
var processEnv = []string{"GORACE=atexit_sleep_ms=0"}
