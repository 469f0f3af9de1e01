package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crosslan runs a command line as a shell would.
func crosslan(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = execute(t.Context(), args, strings.NewReader(""), &out, &err)
	return status, out.String(), err.String()
}

// write makes a file of that content and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestBadCommandLinesSayWhatAndWhatToDo(t *testing.T) {
	for _, bad := range []struct {
		args   string
		status int
		says   []string
	}{
		{"rnu", statusUsage, []string{`no command "rnu"`, "--help"}},
		{"list --colour", statusUsage, []string{"--colour", "crosslan list --help"}},
		{"list relay", statusUsage, []string{"no arguments"}},
		{"show", statusUsage, []string{"crosslan show wants one scenario"}},
		{"show realy", statusFailed, []string{`no scenario "realy"`, "did you mean relay?", "crosslan list"}},
		{"run same-lan isloated", statusFailed, []string{`no scenario "isloated"`, "did you mean isolated?"}},
		{"run relay --lang fr", statusUsage, []string{"fr", "en or zh"}},
		{"run --all relay", statusUsage, []string{"either names or --all"}},
		{"run nowhere/compose.yml", statusFailed, []string{"nowhere/compose.yml: no such Compose file"}},
		{"down", statusUsage, []string{"--all"}},
		{"down relay --all", statusUsage, []string{"--all"}},
		{"exec host-a", statusUsage, []string{"a node and a program"}},
		{"logs a b", statusUsage, []string{"at most one node"}},
		{"matrix udp", statusUsage, []string{"no arguments"}},
		{"matrix --transport sctp", statusUsage, []string{"--transport", `"sctp"`, "udp or tcp"}},
		{"matrix --permission both", statusUsage, []string{"--permission", `"both"`, "mapping or endpoint"}},
	} {
		t.Run(bad.args, func(t *testing.T) {
			status, stdout, stderr := crosslan(t, strings.Fields(bad.args)...)
			assert.Equal(t, bad.status, status)
			assert.Empty(t, stdout)
			assert.Equal(t, 1, strings.Count(stderr, "\n"), "one line: %q", stderr)
			assert.True(t, strings.HasPrefix(stderr, "crosslan: "))
			for _, part := range bad.says {
				assert.Contains(t, stderr, part)
			}
		})
	}
}

func TestListAndShow(t *testing.T) {
	status, stdout, stderr := crosslan(t, "list")
	require.Zero(t, status, stderr)
	assert.Contains(t, stdout, "same-lan")
	assert.Contains(t, stdout, "How do two programs on one LAN find each other?")

	_, stdout, _ = crosslan(t, "list", "--lang", "zh")
	assert.Contains(t, stdout, "同一个局域网")

	_, stdout, _ = crosslan(t, "list", "--json")
	var all []struct {
		Number int
		Name   string
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &all))
	assert.Equal(t, "same-lan", all[0].Name)

	_, stdout, _ = crosslan(t, "show", "routed")
	assert.Contains(t, stdout, "└─ host-a  10.3.1.10")
	_, stdout, _ = crosslan(t, "show", "routed", "--json")
	var shown struct {
		Nodes []struct {
			Name      string
			Addresses map[string][]string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &shown))
	assert.Equal(t, []string{"10.3.1.2", "10.3.1.1"}, shown.Nodes[0].Addresses["lan-a"])
}

// foreign is a Compose file that is not ours, in a part of the address plan that no
// scenario has.
const foreign = `
name: crosslan-test-cli
x-crosslan: {lesson: lesson.md}
services:
  one: {image: crosslan/node:dev, pull_policy: never, command: [client, idle], networks: {lan: {ipv4_address: 10.237.1.10}}}
  two: {image: crosslan/node:dev, pull_policy: never, command: [server, echo], networks: {lan: {ipv4_address: 10.237.1.11}}}
networks:
  lan: {ipam: {config: [{subnet: 10.237.1.0/24, gateway: 10.237.1.254}]}}
`

func foreignFile(t *testing.T, lesson string) string {
	t.Helper()
	path := write(t, "compose.yml", foreign)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "lesson.md"), []byte(lesson), 0o600))
	return path
}

func TestRunOfAFileThatIsNotOurs(t *testing.T) {
	path := foreignFile(t, "# mine: does it work?\n\n```console\none$ client echo 10.237.1.11:50007 hi\nconnected  10.237.1.10:… -> 10.237.1.11:50007\nreply      hi\nobserved   10.237.1.10:…\n```\n")
	status, stdout, stderr := crosslan(t, "run", path)
	assert.Zero(t, status, stderr)
	assert.Contains(t, stdout, "reply      hi")

	status, stdout, _ = crosslan(t, "run", "--quiet", path)
	assert.Zero(t, status)
	assert.Contains(t, stdout, "every line held (1 commands)")

	bare := write(t, "compose.yml", strings.Replace(foreign, "x-crosslan: {lesson: lesson.md}", "", 1))
	status, stdout, stderr = crosslan(t, "run", bare)
	assert.Zero(t, status, stderr)
	assert.Contains(t, stdout, "ready      echo", "without a lesson, what the nodes have printed")
}

func TestALessonThatDiffersFailsWithADiff(t *testing.T) {
	path := foreignFile(t, "# mine: does it work?\n\n```console\none$ client echo 10.237.1.11:50007 hi\nconnected  …\nreply      ho\nobserved   …\n```\n")
	status, _, stderr := crosslan(t, "run", path)
	assert.Equal(t, statusFailed, status)
	assert.Contains(t, stderr, "lesson.md:6: ")
	assert.Contains(t, stderr, "want  reply      ho")
	assert.Contains(t, stderr, "got   reply      hi")
	_, stdout, _ := crosslan(t, "ps")
	assert.NotContains(t, stdout, "crosslan-test-cli", "nothing is left")
}

func TestUpExecLogsDown(t *testing.T) {
	path := foreignFile(t, "# mine: q?\n")
	status, stdout, stderr := crosslan(t, "up", path)
	require.Zero(t, status, stderr)
	t.Cleanup(func() { crosslan(t, "down", path) })
	assert.Contains(t, stdout, "crosslan-test-cli is up")

	status, _, stderr = crosslan(t, "up", path)
	assert.Equal(t, statusFailed, status)
	assert.Contains(t, stderr, "is up already")

	_, stdout, _ = crosslan(t, "ps")
	assert.Contains(t, stdout, "10.237.1.11")

	status, stdout, stderr = crosslan(t, "exec", "--lab", "crosslan-test-cli", "one", "--", "client", "echo", "10.237.1.11:50007", "hi")
	assert.Zero(t, status, stderr)
	assert.Contains(t, stdout, "reply      hi")
	status, _, stderr = crosslan(t, "exec", "--lab", "crosslan-test-cli", "one", "--", "client", "echo", "10.237.1.11:1", "hi")
	assert.Equal(t, 1, status, "the program's own status")
	assert.True(t, strings.HasPrefix(stderr, "client: "), "and only its own words: %q", stderr)
	status, _, stderr = crosslan(t, "exec", "--lab", "crosslan-test-cli", "three", "--", "client")
	assert.Equal(t, statusFailed, status)
	assert.Contains(t, stderr, `no node "three"`)
	assert.Contains(t, stderr, "one, two")

	_, stdout, _ = crosslan(t, "logs", "--lab", "crosslan-test-cli")
	assert.Contains(t, stdout, "one | ready      idle")
	assert.Contains(t, stdout, "two | accepted   10.237.1.10:")

	status, stdout, stderr = crosslan(t, "down", path)
	assert.Zero(t, status, stderr)
	assert.Equal(t, "crosslan-test-cli is down\n", stdout)
	status, _, stderr = crosslan(t, "down", path)
	assert.Equal(t, statusFailed, status)
	assert.Contains(t, stderr, "no lab crosslan-test-cli is up")
}

func TestDoctorFindsNothingBadHere(t *testing.T) {
	status, stdout, stderr := crosslan(t, "doctor")
	assert.Zero(t, status, stderr)
	assert.Contains(t, stdout, "engine")
	_, stdout, _ = crosslan(t, "doctor", "--json")
	var findings []struct{ Grade, What string }
	require.NoError(t, json.Unmarshal([]byte(stdout), &findings))
	assert.NotEmpty(t, findings)
}
