package portmap

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// foreign runs somebody else's client on the host, and returns its status and what it
// prints.
func (l *lan) foreign(t *testing.T, program, debian string, args ...string) (status int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), nodetest.Foreign(t, program, debian), args...)
	var log nodetest.Log
	cmd.Stdout, cmd.Stderr = &log, &log
	l.host.Start(t, cmd)
	if err := cmd.Wait(); err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return cmd.ProcessState.ExitCode(), log.String()
}

// TestMiniupnpc: the UPnP library that most programs have finds the router and uses it. It
// takes a gateway for disconnected whose outside address is of a reserved network, as that
// of every lab is (RFC 2544), and must be told to go on (-i).
func TestMiniupnpc(t *testing.T) {
	l := newLAN(t)
	upnpc := func(want string, wantStatus int, args ...string) {
		t.Helper()
		status, out := l.foreign(t, "upnpc", "miniupnpc", append([]string{"-i"}, args...)...)
		assert.Equal(t, wantStatus, status, out)
		assert.Contains(t, out, want)
	}
	upnpc("Found a (not connected?) IGD : http://10.16.1.1:5000/ctl/IPConn\n", 0, "-s")
	upnpc("Status : Connected", 0, "-s")
	assert.False(t, l.getsIn(t, "8080"))
	upnpc("external 198.18.16.2:8080 TCP is redirected to internal 10.16.1.10:50007 (duration=600)", 0,
		"-e", "a game", "-a", "10.16.1.10", "50007", "8080", "TCP", "600")
	assert.True(t, l.getsIn(t, "8080"))
	upnpc(" 0 TCP  8080->10.16.1.10:50007 'a game' '' 5", 0, "-l")
	upnpc("UPNP_DeletePortMapping() returned : 0", 0, "-d", "8080", "TCP")
	assert.False(t, l.getsIn(t, "8080"))

	upnpc("failed with code : 714", 2, "-d", "8080", "TCP")
	upnpc("failed with code 606 (Action not authorized)", 2, "-a", "10.16.1.11", "50007", "8081", "TCP", "600")
	assert.NotContains(t, l.log.String(), "10.16.1.11:50007")
}

// TestNatpmpc: so does the library for NAT-PMP.
func TestNatpmpc(t *testing.T) {
	l := newLAN(t)
	natpmpc := func(want string, args ...string) {
		t.Helper()
		status, out := l.foreign(t, "natpmpc", "natpmpc", append([]string{"-g", "10.16.1.1"}, args...)...)
		assert.Zero(t, status, out)
		assert.Contains(t, out, want)
	}
	natpmpc("Public IP address : 198.18.16.2\n")
	assert.False(t, l.getsIn(t, "8080"))
	natpmpc("Mapped public port 8080 protocol TCP to local port 50007 liftime 600\n", "-a", "8080", "50007", "tcp", "600")
	assert.True(t, l.getsIn(t, "8080"))
	natpmpc("protocol TCP to local port 50007 liftime 0\n", "-a", "8080", "50007", "tcp", "0")
	assert.False(t, l.getsIn(t, "8080"))
}
