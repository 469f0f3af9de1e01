package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

func TestRemoteShell(t *testing.T) {
	l := start(t, "remote-shell")
	playLesson(t, l, "remote-shell")
	const plain, lengthFirst = "10.41.2.10:8080", "10.41.2.10:8082"

	t.Run("the server ran what was sent", func(t *testing.T) {
		all, answers := commands(t, l, "shell", plain, "hostname", "whoami")
		assert.Equal(t, []string{"host-b\n", "nobody\n"}, answers)
		ran := logged(t, l, "host-b", "ran", only(t, all, "connected").text("getsockname"))
		require.Len(t, ran, 2)
		assert.True(t, strings.HasPrefix(ran[0], `"hostname" exit 0 `), ran)
		assert.True(t, strings.HasPrefix(ran[1], `"whoami" exit 0 `), ran)
	})
	t.Run("an answer longer than the tutorials' recv sticks to the next", func(t *testing.T) {
		_, answers := commands(t, l, "shell", plain, "--recv=100", "seq 41", "echo hi")
		assert.Len(t, answers[0], 100)
		assert.Equal(t, "37\n38\n39\n40\n41\n", answers[0][len(answers[0])-1:]+answers[1])
	})
	t.Run("with its length first it does not", func(t *testing.T) {
		_, answers := commands(t, l, "shell-length", lengthFirst, "seq 41", "echo hi")
		assert.Len(t, answers[0], 114)
		assert.Equal(t, "hi\n", answers[1])
	})
	t.Run("commands that never end, of several clients at once", func(t *testing.T) {
		var ended [3]<-chan string
		for i := range ended {
			end := make(chan string, 1)
			ended[i] = end
			go func() {
				r, err := l.Node("host-a").Exec(t.Context(), "client", "shell", plain, "while :; do :; done")
				if err != nil {
					end <- err.Error()
				}
				end <- r.Stdout
			}()
		}
		for _, end := range ended {
			assert.Contains(t, <-end, "[the server ended the command: still running after 2s]")
		}
		_, answers := commands(t, l, "shell", plain, "echo still there")
		assert.Equal(t, []string{"still there\n"}, answers)
	})
	t.Run("nothing can be written anywhere", func(t *testing.T) {
		for _, dir := range []string{"/", "/bin", "/etc", "/tmp", "/dev", "/dev/shm", "/proc", "/sys"} {
			_, answers := commands(t, l, "shell", plain, "echo x > "+dir+"/x && echo written")
			assert.NotContains(t, answers[0], "written", dir)
		}
	})
}

// commands has host-a send commands to a shell, and returns the events and each
// command's answer.
func commands(t *testing.T, l *lab.Lab, client string, args ...string) (all []event, answers []string) {
	t.Helper()
	all, exit := events(t, l, "host-a", append([]string{client}, args...)...)
	require.Zero(t, exit, "%v", all)
	for _, e := range all {
		if e.name() == "reply" {
			answers = append(answers, e.text("text"))
		}
	}
	return all, answers
}
