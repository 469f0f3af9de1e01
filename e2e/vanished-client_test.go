package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

func TestVanishedClient(t *testing.T) {
	l := start(t, "vanished-client")
	playLesson(t, l, "vanished-client")
	// The lesson has cut the one off and killed the other.
	require.NoError(t, l.Node("host-a").Join(t.Context(), "lan-a"))
	require.NoError(t, l.Node("host-a2").Restart(t.Context()))

	for _, way := range []struct{ how, errno string }{{"close", ""}, {"reset", "ECONNRESET"}} {
		t.Run("a client that says so: "+way.how, func(t *testing.T) {
			b := begin(t, l, "server", "api", "vanished")
			_, exit := events(t, l, "host-a", "api", "vanished", "--how", way.how, "10.37.1.12:50007")
			assert.Zero(t, exit)
			assert.Equal(t, way.errno, noticed(t, b).text("name"))
		})
	}
	t.Run("a client that is killed: its kernel says so", func(t *testing.T) {
		b := begin(t, l, "server", "api", "vanished")
		stay(t, l, "host-a2", "50007")
		require.NoError(t, l.Node("host-a2").Kill(t.Context(), ""))
		assert.Equal(t, `0 ""`, noticed(t, b).text("result"))
		require.NoError(t, l.Node("host-a2").Restart(t.Context()))
	})
	t.Run("a client whose program is frozen: its kernel says that all is well", func(t *testing.T) {
		b := begin(t, l, "server", "api", "vanished")
		stay(t, l, "host-a2", "50007")
		require.NoError(t, l.Node("host-a2").Pause(t.Context()))
		// As long as keepalive takes to give up a client that was cut off, below.
		_, exit := events(t, l, "server", "echo", "10.37.1.99:50007", "hi")
		assert.Equal(t, 1, exit)
		_, exit = events(t, l, "server", "echo", "10.37.1.99:50007", "hi")
		assert.Equal(t, 1, exit)
		require.NoError(t, l.Node("host-a2").Unpause(t.Context()))
		require.NoError(t, l.Node("host-a2").Kill(t.Context(), ""))
		assert.Equal(t, `0 ""`, noticed(t, b).text("result"), "nothing before its end")
		require.NoError(t, l.Node("host-a2").Restart(t.Context()))
	})
	t.Run("a client that is cut off", func(t *testing.T) {
		waiting := begin(t, l, "server", "api", "vanished", "--watch", "nothing", ":50007")
		asking := begin(t, l, "server", "api", "vanished", "--watch", "keepalive", ":50008")
		speaking := begin(t, l, "server", "api", "vanished", "--watch", "send", ":50009")
		for _, port := range []string{"50007", "50008", "50009"} {
			stay(t, l, "host-a", port)
		}
		require.NoError(t, l.Node("host-a").Cut(t.Context(), "lan-a"))

		all, exit := waiting.wait()
		assert.Zero(t, exit)
		assert.Equal(t, []string{"0"}, results(all, "poll"))
		assert.Equal(t, []string{"ESTABLISHED"}, results(all, "getsockopt"))
		for name, b := range map[string]*beside{"keepalive": asking, "TCP_USER_TIMEOUT": speaking} {
			e := noticed(t, b)
			assert.Equal(t, "ETIMEDOUT", e.text("name"), name)
			took, _ := e["took"].(float64)
			assert.Greater(t, time.Duration(took), 2*time.Second, name)
		}
		_, exit = events(t, l, "host-a", "echo", "10.37.1.12:8081", "hi")
		assert.Equal(t, 1, exit, "it has no network any more")
	})
}

// stay has a client connect to the server, and say nothing any more.
func stay(t *testing.T, l *lab.Lab, node, port string) {
	t.Helper()
	beginProgram(t, l, node, "client", "api", "vanished", "--how", "stay", "10.37.1.12:"+port)
}

// noticed is the call in which a server noticed that its client is gone, its last
// recv.
func noticed(t *testing.T, b *beside) event {
	t.Helper()
	all, exit := b.wait()
	assert.Zero(t, exit)
	recvs := calls(all, "recv")
	require.Len(t, recvs, 2)
	return recvs[1]
}
