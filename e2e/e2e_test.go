// Package e2e runs every scenario as its reader does: in containers, on the real
// kernel, with the lesson's own commands, and asserts what the other side saw.
//
// Without an engine its tests fail: a scenario that was not run is not proven.
package e2e

import (
	"bufio"
	"encoding/json"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
	"github.com/crosslan/crosslan/scenarios"
)

// start brings the scenario up for the test, and sees that no node has a way
// round what is shown. Tests run beside each other: different scenarios have
// different addresses, and two tests of one wait for each other.
func start(t *testing.T, scenario string) *lab.Lab {
	t.Helper()
	t.Parallel()
	l := lab.Run(t, filepath.Join("..", "compose", scenario+".yml"))
	requireNoPrivilege(t, l)
	return l
}

// playLesson plays the scenario's lesson: every line in it must hold.
func playLesson(t *testing.T, l *lab.Lab, scenario string) {
	t.Helper()
	opened, err := scenarios.Open(t.Context(), scenario, scenarios.English)
	require.NoError(t, err)
	_, err = scenarios.Play(t.Context(), opened.Lesson, scenarios.OnLab(l), scenarios.Options{})
	require.NoError(t, err)
}

// An event is a line that a node program prints with --log json.
type event map[string]any

func (e event) name() string { return e.text("event") }

// text is the value of an attribute, empty if the event has none.
func (e event) text(key string) string {
	s, _ := e[key].(string)
	return s
}

// addr is the transport address under key.
func (e event) addr(t *testing.T, key string) netip.AddrPort {
	t.Helper()
	a, err := netip.ParseAddrPort(e.text(key))
	require.NoError(t, err, "%s in %v", key, e)
	return a
}

// events runs a client command in node and returns what it printed, and its
// exit status.
func events(t *testing.T, l *lab.Lab, node string, argv ...string) (all []event, exitCode int) {
	t.Helper()
	r, err := l.Node(node).Exec(t.Context(), append([]string{"client", "--log", "json"}, argv...)...)
	require.NoError(t, err)
	for lines := bufio.NewScanner(strings.NewReader(r.Stdout)); lines.Scan(); {
		var e event
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e), "%s", lines.Text())
		all = append(all, e)
	}
	if r.ExitCode != 0 {
		all = append(all, event{"event": "error", "text": strings.TrimSpace(r.Stderr)})
	}
	return all, r.ExitCode
}

// only returns the one event of that name.
func only(t *testing.T, all []event, name string) event {
	t.Helper()
	var found []event
	for _, e := range all {
		if e.name() == name {
			found = append(found, e)
		}
	}
	require.Len(t, found, 1, "%s events in %v", name, all)
	return found[0]
}
