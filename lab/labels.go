package lab

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/moby/moby/client"
)

// Labels on everything that a lab makes. The owner is the machine and user
// whose lock files say whether a lab's process still lives (lock.go).
const (
	labelLab   = "io.crosslan.lab"   // the lab's name
	labelNode  = "io.crosslan.node"  // the node's name in the Compose file
	labelNet   = "io.crosslan.net"   // the network's name in the Compose file
	labelOwner = "io.crosslan.owner" // who may judge whether the lab is alive
	labelKept  = "io.crosslan.kept"  // "true": it outlives the process that started it
	labelFile  = "io.crosslan.file"  // the Compose file
	labelReady = "io.crosslan.ready" // how the node says that it is ready

	// Compose's own, so that docker compose -p NAME ps, logs, exec and down
	// work on a lab. It ignores containers that lack any of these.
	composeProject = "com.docker.compose.project"
	composeService = "com.docker.compose.service"
	composeNetwork = "com.docker.compose.network"
	composeVolume  = "com.docker.compose.volume"
	composeNumber  = "com.docker.compose.container-number"
	composeOneOff  = "com.docker.compose.oneoff"
	composeHash    = "com.docker.compose.config-hash"
	composeFiles   = "com.docker.compose.project.config_files"
	composeDir     = "com.docker.compose.project.working_dir"
)

// owner names this machine and user's lock folder.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getuid())
}

// labels are those that every object of a lab of t carries.
func (t *Topology) labels(kept bool) map[string]string {
	return map[string]string{
		labelLab:       t.Name,
		labelOwner:     owner(),
		labelKept:      fmt.Sprint(kept),
		labelFile:      t.source,
		composeProject: t.Name,
		composeFiles:   absolute(t.File),
		composeDir:     filepath.Dir(absolute(t.File)),
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// with returns a copy of labels with more pairs.
func with(labels map[string]string, pairs ...string) map[string]string {
	all := maps.Clone(labels)
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

// labelled filters the engine's lists by a label, and its value unless empty.
func labelled(label, value string) client.Filters {
	if value != "" {
		label += "=" + value
	}
	return make(client.Filters).Add("label", label)
}
