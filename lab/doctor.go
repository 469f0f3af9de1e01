package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
)

// A Grade says how bad a finding is.
type Grade string

// The grades of a finding.
const (
	Good Grade = "ok"
	Warn Grade = "warning" // something works less well
	Bad  Grade = "error"   // labs do not work
)

// A Finding is one thing that Diagnose has looked at.
type Finding struct {
	Grade  Grade  `json:"grade"`
	What   string `json:"what"`
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"` // what to do; empty if all is well
}

// oldestAPI is the engine API that every convention of ours was tried on
// (Engine 20.10); older ones may work.
const oldestAPI = "1.41"

// Diagnose looks at what this machine's engine can do for labs, and says what to
// do about what it cannot. Its error is for the look itself; a machine without an
// engine is a finding.
func Diagnose(ctx context.Context) ([]Finding, error) {
	findings := []Finding{toolchain(), composePlugin()}
	e, err := connect(ctx)
	if err != nil {
		return append([]Finding{{Bad, "engine", "none", err.Error()}}, findings...), ctx.Err()
	}
	info, err := e.Info(ctx, client.InfoOptions{})
	if err != nil {
		return nil, fmt.Errorf("ask the engine about itself: %w", err)
	}
	findings = append(e.examine(info.Info), findings...)
	left, err := e.leftovers(ctx)
	if err != nil {
		return nil, err
	}
	return append(findings, left), nil
}

func (e engine) examine(info system.Info) []Finding {
	version := Finding{Good, "engine", fmt.Sprintf("%s, API %s", info.ServerVersion, e.ClientVersion()), ""}
	if older(e.ClientVersion(), oldestAPI) {
		version.Grade, version.Advice = Warn, "labs are tried with Docker Engine 20.10 and newer: update it"
	}
	system := Finding{Good, "containers", fmt.Sprintf("%s/%s, kernel %s, %d CPUs", info.OSType, info.Architecture, info.KernelVersion, info.NCPU), ""}
	if info.OSType != "linux" {
		system.Grade, system.Advice = Bad, "switch Docker to Linux containers"
	}
	forwarding := Finding{Good, "IPv4 forwarding", "on", ""}
	if !info.IPv4Forwarding {
		forwarding.Grade, forwarding.Found, forwarding.Advice = Warn, "off", "sysctl -w net.ipv4.ip_forward=1 where the engine runs"
	}
	return []Finding{version, system, forwarding}
}

// older compares versions of the form 1.41.
func older(a, b string) bool {
	parse := func(s string) []int {
		var parts []int
		for p := range strings.SplitSeq(s, ".") {
			n, _ := strconv.Atoi(p) // a part that is no number counts as 0
			parts = append(parts, n)
		}
		return parts
	}
	return slices.Compare(parse(a), parse(b)) < 0
}

func (e engine) leftovers(ctx context.Context) (Finding, error) {
	names, err := e.ownedLabs(ctx)
	if err != nil {
		return Finding{}, err
	}
	var dead []string
	for name := range names {
		lock, err := tryAcquire(name)
		if err != nil {
			return Finding{}, err
		}
		if lock != nil {
			dead = append(dead, name)
			if err := lock.Unlock(); err != nil {
				return Finding{}, fmt.Errorf("let go of the lock of lab %s: %w", name, err)
			}
		}
	}
	if len(dead) > 0 {
		slices.Sort(dead)
		return Finding{Warn, "left behind", strings.Join(dead, ", "), "their owner is gone: the next run removes them, or crosslan down --all now"}, nil
	}
	return Finding{Good, "left behind", "nothing", ""}, nil
}

func toolchain() Finding {
	path, err := exec.LookPath("go")
	if err != nil {
		return Finding{Warn, "Go toolchain", "none on PATH", "the node image is compiled with it: install Go, or build the image with docker compose build"}
	}
	return Finding{Good, "Go toolchain", path + " (this program: " + runtime.Version() + ")", ""}
}

// composePlugin looks where Docker's command line looks for its plugins; it is
// for the readers of docker compose up only.
func composePlugin() Finding {
	dirs := []string{"/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins"}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append([]string{filepath.Join(home, ".docker", "cli-plugins")}, dirs...)
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, "docker-compose")
		if _, err := os.Stat(path); err == nil {
			return Finding{Good, "Docker Compose", path, ""}
		}
	}
	return Finding{Warn, "Docker Compose", "no plugin", "only docker compose up needs it: install docker-compose-plugin"}
}
