package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

func TestStory(t *testing.T) {
	serve(t, "echo="+echoAddr)
	nobody := closedPort(t)
	local := fmt.Sprintf("127.0.0.103:%d", nodetest.FreePort(t))
	got := call(t, "story", "--exit", "--then", `client echo `+echoAddr+` "your words"`,
		"# Nobody listens there.\nWhat will connect say?", "! echo "+nobody+" hi",
		"# Here somebody does:", "echo --bind "+local+" "+echoAddr+` "Hello, world"`)
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Empty(t, got.stderr)
	want := `ready      story (steps: 4)

Nobody listens there.
What will connect say?
$ client echo ` + nobody + ` hi
client: connect: ECONNREFUSED (111) connection refused: ` + nobody + ` after 0.00 s

Here somebody does:
$ client echo --bind ` + local + ` ` + echoAddr + ` "Hello, world"
connected  ` + local + ` -> ` + echoAddr + `
reply      Hello, world
observed   ` + local + `
told       the story; go on yourself: client echo ` + echoAddr + ` "your words"
`
	assert.Equal(t, want, got.stdout)
}

func TestStoryInJSONIsJSONThroughout(t *testing.T) {
	serve(t, "echo="+echoAddr)
	got := call(t, "story", "--exit", "--log", "json", "# A word.", "! echo "+closedPort(t)+" hi", "echo "+echoAddr+" hi")
	assert.Equal(t, 0, got.status, got.stderr)
	var events []string
	for line := range strings.Lines(got.stdout) {
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		events = append(events, e["event"].(string))
	}
	assert.Equal(t, []string{"ready", "narration", "command", "error", "command", "connected", "reply", "observed", "told"}, events)
}

func TestStoryThatGoesOtherwise(t *testing.T) {
	serve(t, "echo="+echoAddr)
	nobody := closedPort(t)
	tests := map[string]string{
		"! echo " + echoAddr + " hi": "client: the story goes otherwise than told: \"echo " + echoAddr + " hi\" succeeded, and was to fail\n",
		"echo " + nobody + " hi":     "client: the story goes otherwise than told: \"echo " + nobody + " hi\" failed, and was to succeed\n",
	}
	for step, want := range tests {
		got := call(t, "story", step, "# Never told.")
		assert.Equal(t, 1, got.status)
		assert.Equal(t, want, got.stderr)
		assert.NotContains(t, got.stdout, "Never told.")
		assert.NotContains(t, got.stdout, "told  ")
	}
}

func TestStoryIsReadBeforeItIsTold(t *testing.T) {
	for step, want := range map[string]string{
		"":            `step "" is empty; write "# text" or a command such as "echo 10.1.1.10:50007 hi"`,
		"! ":          `step "! " is empty; write "# text" or a command such as "echo 10.1.1.10:50007 hi"`,
		"ecoh 1":      `step "ecoh 1": client has no command "ecoh"`,
		"echo 'x":     `step "echo 'x": EOF found when expecting closing quote`,
		"idle":        `step "idle": idle never ends and cannot be a step`,
		"hold x":      `step "hold x": hold never ends and cannot be a step`,
		"story '# x'": `step "story '# x'": story never ends and cannot be a step`,
	} {
		got := call(t, "story", "# Not to be told.", step)
		assert.Equal(t, result{2, "", "client: " + want + " (see: client story --help)\n"}, got, step)
	}
	assert.Equal(t, `client: no steps; write "# text" or a command such as "echo 10.1.1.10:50007 hi" (see: client story --help)`+"\n",
		call(t, "story").stderr)
}

func TestStoryWaitsAfterItsEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var stdout nodetest.Log
	var stderr bytes.Buffer
	done := make(chan int, 1)
	go func() { done <- node.Run(ctx, Command(), []string{"story", "# A word."}, &stdout, &stderr) }()
	stdout.Wait(t, "told       the story; the nodes stay up\n")
	select {
	case status := <-done:
		require.Fail(t, "ended", "status %d", status)
	default:
	}
	cancel()
	assert.Equal(t, 0, <-done)
}
