//go:build !race

package shell

// memoryLimit is how much data the process may have, in bytes.
const memoryLimit = 256 << 20

// processEnv is what the process has in its environment, but its commands have not.
var processEnv []string
