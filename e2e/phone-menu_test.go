package e2e

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

func TestPhoneMenu(t *testing.T) {
	l := start(t, "phone-menu")
	playLesson(t, l, "phone-menu")

	t.Run("many clients at once, each with its own conversation", func(t *testing.T) {
		const clients = 20
		type outcome struct {
			stdout string
			err    error
		}
		ended := make(chan outcome, clients)
		for range clients {
			go func() {
				r, err := l.Node("host-a2").Exec(t.Context(), "client", "menu", "10.40.2.10:8009", "0", "7", "0", "exit")
				ended <- outcome{r.Stdout, err}
			}()
		}
		for range clients {
			got := <-ended
			require.NoError(t, got.err)
			assert.Equal(t, []string{
				"greeting   欢迎致电 10086,请输入1xxx,0转人工服务.",
				"reply      通过可能会被录音.balabala一大推",
				"reply      请重新输入.",
				"reply      通过可能会被录音.balabala一大推",
				"closed     10.40.2.10:8009 hung up",
			}, strings.Split(strings.TrimSpace(got.stdout), "\n")[1:])
		}
	})
	t.Run("the server sees each under its own address", func(t *testing.T) {
		for _, node := range []string{"host-a", "host-a2"} {
			all, exit := events(t, l, node, "menu", "--observe=first", "10.40.2.10:8009", "exit")
			require.Zero(t, exit, "%v", all)
			connected := only(t, all, "connected")
			assert.Equal(t, connected.text("getsockname"), only(t, all, "observed").text("address"))
			assert.Equal(t, []string{`4 bytes "exit"`}, logged(t, l, "host-b", "received", connected.text("getsockname")))
		}
	})
	t.Run("one by one, the second is served when the first has left", func(t *testing.T) {
		// A node's programs end with it, and the lines that they held: the lesson's.
		require.NoError(t, l.Node("host-a").Restart(t.Context()))
		held := hold(t, l, "host-a", "10.40.2.11:8009")
		served := make(chan string, 1)
		go func() {
			r, _ := l.Node("host-a2").Exec(t.Context(), "client", "menu", "--timeout=1m", "10.40.2.11:8009", "exit")
			served <- r.Stdout
		}()
		require.NoError(t, l.Node("host-a").Restart(t.Context()))
		assert.Empty(t, logged(t, l, "host-b2", "received", held))
		assert.Contains(t, <-served, "greeting ")
		var log strings.Builder
		require.NoError(t, l.Node("host-b2").Logs(t.Context(), &log, false))
		assert.Less(t, strings.Index(log.String(), "closed     "+held), strings.LastIndex(log.String(), "accepted   10.40.1.11:"), log.String())
	})
}

// hold has a node connect to a server and stay, and returns the address from which
// it has, once the connection is there.
func hold(t *testing.T, l *lab.Lab, node, server string) string {
	t.Helper()
	out, in := io.Pipe()
	go func() {
		_, err := l.Node(node).Stream(t.Context(), lab.Streams{Stdout: in}, "client", "hold", server)
		in.CloseWithError(err)
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	fields := strings.Fields(line)
	require.Equal(t, "ready", fields[0], line)
	return fields[1]
}
