package lab_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

// pair is a topology of two networks and three nodes in a part of the address
// plan that no scenario has; name and net tell copies of it apart.
func pair(t *testing.T, name, net string) *lab.Topology {
	t.Helper()
	yaml := strings.NewReplacer("NAME", name, "NET", net).Replace(`
name: crosslan-test-NAME
services:
  a: {image: crosslan/node:dev, pull_policy: never, command: [client, idle], networks: {left: {ipv4_address: NET.1.10}}}
  b: {image: crosslan/node:dev, pull_policy: never, command: [server, echo], networks: {left: {ipv4_address: NET.1.11}, right: {ipv4_address: NET.2.11}}}
  c: {image: crosslan/node:dev, pull_policy: never, command: [client, idle], networks: {right: {ipv4_address: NET.2.10}}}
networks:
  left: {ipam: {config: [{subnet: NET.1.0/24, gateway: NET.1.254}]}}
  right: {ipam: {config: [{subnet: NET.2.0/24, gateway: NET.2.254}]}}
`)
	topology, err := lab.LoadBytes(t.Context(), "pair.yml", []byte(yaml))
	require.NoError(t, err)
	return topology
}

// remains lists the containers and networks that carry a lab's name.
func remains(t *testing.T, name string) []string {
	t.Helper()
	engine, err := lab.Engine(t.Context())
	require.NoError(t, err)
	filters := make(client.Filters).Add("label", "io.crosslan.lab="+name)
	containers, err := engine.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: filters})
	require.NoError(t, err)
	networks, err := engine.NetworkList(t.Context(), client.NetworkListOptions{Filters: filters})
	require.NoError(t, err)
	var all []string
	for _, c := range containers.Items {
		all = append(all, c.Names...)
	}
	for _, n := range networks.Items {
		all = append(all, n.Name)
	}
	return all
}

func TestStartMakesNodesReadyAndStopLeavesNothing(t *testing.T) {
	topology := pair(t, "plain", "10.240")
	l, err := lab.Start(t.Context(), topology)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close(context.Background()) })

	// Ready means that it can be talked to at once.
	r, err := l.Node("a").Exec(t.Context(), "client", "echo", "10.240.1.11:50007", "hi")
	require.NoError(t, err)
	assert.Zero(t, r.ExitCode, r.Output)
	assert.Contains(t, r.Stdout, "10.240.1.10:")
	assert.Empty(t, r.Stderr)

	require.NoError(t, l.Stop(t.Context()))
	assert.Empty(t, remains(t, topology.Name))
	assert.NoError(t, l.Stop(t.Context()), "a second stop finds nothing to do")
}

func TestExecTellsOutputAndStatusApart(t *testing.T) {
	l, err := lab.Start(t.Context(), pair(t, "exec", "10.241"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close(context.Background())) })

	r, err := l.Node("a").Exec(t.Context(), "client", "echo", "10.241.1.11:1", "hi")
	require.NoError(t, err, "a status other than 0 is no error")
	assert.Equal(t, 1, r.ExitCode)
	assert.Contains(t, r.Stderr, "ECONNREFUSED")
	assert.Equal(t, r.Stdout+r.Stderr, r.Output)

	_, err = l.Node("nobody").Exec(t.Context(), "client")
	assert.ErrorContains(t, err, `no node "nobody"`)
	assert.ErrorContains(t, err, "a, b, c")

	r, err = l.Node("a").Exec(t.Context(), "nothing")
	require.NoError(t, err)
	assert.NotZero(t, r.ExitCode, "the engine's own word for a program that is not there")
	assert.Contains(t, r.Output, "nothing")

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = l.Node("a").Exec(ctx, "client", "idle")
	assert.ErrorIs(t, err, context.DeadlineExceeded, "ends with its context")

	var echoed bytes.Buffer
	code, err := l.Node("a").Stream(t.Context(), lab.Streams{Stdin: strings.NewReader("typed\n"), Stdout: &echoed}, "client", "echo", "10.241.1.11:50007")
	require.NoError(t, err)
	assert.Zero(t, code)
	assert.Contains(t, echoed.String(), "typed")
}

func TestNodesCanBeKilledRestartedAndCutOff(t *testing.T) {
	l, err := lab.Start(t.Context(), pair(t, "faults", "10.242"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close(context.Background())) })
	dial := func(target string) lab.Result {
		r, err := l.Node("a").Exec(t.Context(), "client", "echo", "--timeout", "1s", target, "hi")
		require.NoError(t, err)
		return r
	}
	const b = "10.242.1.11:50007"
	require.Zero(t, dial(b).ExitCode)

	require.NoError(t, l.Node("b").Restart(t.Context()))
	assert.Zero(t, dial(b).ExitCode, "ready again when Restart returns, at the same address")

	require.NoError(t, l.Node("b").Cut(t.Context(), "left"))
	assert.NotZero(t, dial(b).ExitCode)
	require.NoError(t, l.Node("b").Join(t.Context(), "left"))
	assert.Zero(t, dial(b).ExitCode, "the same address as before")

	require.NoError(t, l.Node("b").Pause(t.Context()))
	assert.NotZero(t, dial(b).ExitCode, "the kernel accepts, the program does not answer")
	require.NoError(t, l.Node("b").Unpause(t.Context()))
	assert.Zero(t, dial(b).ExitCode)

	require.NoError(t, l.Node("b").Kill(t.Context(), ""))
	assert.NotZero(t, dial(b).ExitCode)
}

func TestAnyCancellationLeavesNothing(t *testing.T) {
	topology := pair(t, "cancelled", "10.243")
	// How long a start takes here, so that the cancellations fall into it.
	begin := time.Now()
	l, err := lab.Start(t.Context(), topology)
	require.NoError(t, err)
	whole := time.Since(begin)
	require.NoError(t, l.Stop(t.Context()))

	const moments = 12
	for i := range moments {
		ctx, cancel := context.WithTimeout(t.Context(), whole*time.Duration(i)/moments)
		l, err := lab.Start(ctx, topology)
		cancel()
		if err == nil { // it was quicker this time
			require.NoError(t, l.Stop(t.Context()))
			continue
		}
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Empty(t, remains(t, topology.Name), "cancelled at %d/%d", i, moments)
	}
}

func TestAStartThatFailsLeavesNothingAndSaysWhichNode(t *testing.T) {
	topology, err := lab.LoadBytes(t.Context(), "broken.yml", []byte(`
name: crosslan-test-broken
services:
  good: {image: crosslan/node:dev, pull_policy: never, command: [client, idle]}
  bad: {image: crosslan/node:dev, pull_policy: never, command: [server, nonsense]}
`))
	require.NoError(t, err)
	_, err = lab.Start(t.Context(), topology)
	require.ErrorContains(t, err, "node bad is not ready")
	assert.ErrorContains(t, err, "nonsense", "the node's own word is in the error")
	assert.Empty(t, remains(t, topology.Name))
}

func TestAMissingImageIsNotPulled(t *testing.T) {
	topology, err := lab.LoadBytes(t.Context(), "missing.yml", []byte(`
name: crosslan-test-missing
services:
  a: {image: crosslan/no-such-image, pull_policy: never}
`))
	require.NoError(t, err)
	_, err = lab.Start(t.Context(), topology)
	require.ErrorContains(t, err, "node a: image crosslan/no-such-image is not in the engine and pull_policy: never")
	assert.Empty(t, remains(t, topology.Name))
}

func TestASubnetThatTheEngineHasAlreadyIsNamed(t *testing.T) {
	first := pair(t, "first", "10.244")
	l, err := lab.Start(t.Context(), first)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close(context.Background())) })

	second := pair(t, "second", "10.244")
	_, err = lab.Start(t.Context(), second)
	require.ErrorContains(t, err, "crosslan-test-first_")
	assert.Empty(t, remains(t, second.Name))
}

func TestTwoTopologiesRunAtOnce(t *testing.T) {
	for _, net := range []string{"10.245", "10.246"} {
		l, err := lab.Start(t.Context(), pair(t, "beside-"+strings.ReplaceAll(net, ".", "-"), net))
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, l.Close(context.Background())) })
		r, err := l.Node("c").Exec(t.Context(), "client", "echo", net+".2.11:50007", "hi")
		require.NoError(t, err)
		assert.Zero(t, r.ExitCode, r.Output)
	}
}

func TestASecondStartOfTheSameLabWaitsForTheFirst(t *testing.T) {
	topology := pair(t, "twice", "10.247")
	first, err := lab.Start(t.Context(), topology)
	require.NoError(t, err)

	waiting := make(chan string, 16)
	started := make(chan error, 1)
	go func() {
		second, err := lab.Start(t.Context(), topology, lab.Progress(func(line string) { waiting <- line }))
		if err == nil {
			err = second.Stop(context.Background())
		}
		started <- err
	}()
	assert.Contains(t, <-waiting, "waiting for another process")
	select {
	case err := <-started:
		t.Fatalf("the second start did not wait: %v", err)
	default:
	}
	require.NoError(t, first.Stop(t.Context()))
	assert.NoError(t, <-started)
	assert.Empty(t, remains(t, topology.Name))
}

func TestAKeptLabIsFoundAttachedToAndRemoved(t *testing.T) {
	topology := pair(t, "kept", "10.248")
	_, err := lab.Start(t.Context(), topology, lab.Keep())
	require.NoError(t, err)
	t.Cleanup(func() { lab.Remove(context.Background(), topology.Name) })

	_, err = lab.Start(t.Context(), topology)
	require.ErrorIs(t, err, lab.ErrUp)
	nodes, err := lab.Running(t.Context())
	require.NoError(t, err)
	found := false
	for _, n := range nodes {
		found = found || n.Lab == topology.Name && n.Node == "b" && n.Kept && n.State == "running"
	}
	assert.True(t, found, "%+v", nodes)
	l, err := lab.Attach(t.Context(), topology)
	require.NoError(t, err)
	r, err := l.Node("a").Exec(t.Context(), "client", "echo", "10.248.1.11:50007", "hi")
	require.NoError(t, err)
	assert.Zero(t, r.ExitCode, r.Output)

	require.NoError(t, lab.Remove(t.Context(), topology.Name))
	assert.Empty(t, remains(t, topology.Name))
	assert.ErrorContains(t, lab.Remove(t.Context(), topology.Name), "no lab")
}

// ownerVariable makes the test binary a process that starts a lab and then
// waits to be killed.
const ownerVariable = "CROSSLAN_TEST_OWNER"

func TestALabWhoseOwnerDiedIsRemovedByTheNextStart(t *testing.T) {
	orphan := pair(t, "orphan", "10.249")
	if os.Getenv(ownerVariable) != "" {
		_, err := lab.Start(t.Context(), orphan)
		require.NoError(t, err)
		os.Stdout.WriteString("up\n")
		io.Copy(io.Discard, os.Stdin) // until the parent kills this process
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), ownerVariable+"=1")
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	up := make([]byte, 3)
	_, err = io.ReadFull(out, up)
	require.NoError(t, err)
	require.NotEmpty(t, remains(t, orphan.Name))
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	other, err := lab.Start(t.Context(), pair(t, "heir", "10.239"))
	require.NoError(t, err)
	assert.Empty(t, remains(t, orphan.Name))
	assert.NoError(t, other.Stop(t.Context()))
}

func TestWithoutAnEngine(t *testing.T) {
	if host := os.Getenv(ownerVariable); host != "" {
		_, err := lab.Start(t.Context(), pair(t, "no-engine", "10.238"))
		if errors.Is(err, lab.ErrNoEngine) {
			os.Stdout.WriteString(err.Error() + "\n")
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), ownerVariable+"=1", "DOCKER_HOST=unix:///nonexistent/docker.sock")
	out, err := cmd.Output()
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(out), "\n")
	assert.Contains(t, line, "no container engine at unix:///nonexistent/docker.sock: start Docker")
}
