package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	nodes := []string{"relay", "host-b", "host-a"}
	for name, c := range map[string]struct{ text, want string }{
		"unknown node":           {"host-c$ true", `lesson.md:2: no node "host-c"; this lab has host-a, host-b, relay`},
		"unknown node to act on": {"lab$ kill nobody", `lesson.md:2: no node "nobody"; this lab has host-a, host-b, relay`},
		"unknown verb":           {"lab$ klil host-a", `lesson.md:2: no verb "klil"; the verbs are cut, join, kill, logs, pause, restart, unpause, wait`},
		"too few words":          {"lab$ cut host-a", `lesson.md:2: "lab$ cut host-a" has the wrong number of words; write lab$ cut NODE NETWORK`},
		"too many words":         {"lab$ restart host-a host-b", `lesson.md:2: "lab$ restart host-a host-b" has the wrong number of words; write lab$ restart NODE`},
		"unknown network":        {"lab$ cut host-a lan-c", `lesson.md:2: no network "lan-c"; this lab has lan-a, lan-b`},
		"lab in background":      {"lab& kill host-a", `lesson.md:2: lab& is no way to act on the lab; write lab$`},
		"output of kill":         {"lab$ kill host-a\nkilled", `lesson.md:3: expected lines under lab$ kill, which prints none; leave the lines out`},
		"status of kill":         {"lab$ kill host-a\n[exit 1]", `lesson.md:3: lab$ kill has no exit status; leave the line out`},
		"output of wait":         {"host-a& true\nlab$ wait host-a\ndone", `lesson.md:4: expected lines under lab$ wait, which prints none; put the lines under the command, host-a&`},
		"wait for nothing":       {"host-b& true\nlab$ wait host-a", `lesson.md:3: no command in the background of host-a to wait for; start one before with host-a&`},
		"wait twice":             {"host-b& true\nlab$ wait host-b\nlab$ wait host-b", `lesson.md:4: no command in the background of host-b to wait for; start one before with host-b&`},
		"logs of nothing":        {"lab$ logs relay\n…", `lesson.md:2: lab$ logs without expected lines; put under it the lines to wait for`},
		"command glued":          {"host-a$ true\nhost-b$true", `lesson.md:3: "host-b$" has a node's name but is no command; put a space after the sign`},
		"two, in order": {"host-c$ true\n```\n\n    host-a$ true\n\n```console\nlab$ x", "lesson.md:2: no node \"host-c\"; this lab has host-a, host-b, relay\n" +
			"lesson.md:5: a command in host-a is never played; put it between ```console and ```, at the left margin\n" +
			`lesson.md:8: no verb "x"; the verbs are cut, join, kill, logs, pause, restart, unpause, wait`},
		"not a console block": {"host-a$ true\n```\n\n```sh\n\nhost-a$ true", "lesson.md:7: a command in host-a is never played; put it between ```console and ```, at the left margin"},
	} {
		t.Run(name, func(t *testing.T) {
			require.EqualError(t, console(t, c.text).Check(nodes, "lan-b", "lan-a"), c.want)
		})
	}
}

func TestCheckNothingWrong(t *testing.T) {
	l := console(t, `
host-a$ true
some output with $ in it
[exit 1]
host-b& server
ready
lab$ pause host-b
lab$ unpause host-b
lab$ logs relay
…
accepted
lab$ wait host-b
lab$ kill host-a SIGTERM
lab$ restart host-a
lab$ cut host-a any-network
lab$ join host-a any-network
`)
	require.NoError(t, l.Check([]string{"host-a", "host-b", "relay"}), "networks are not checked if none are given")
}
