package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/lab"
)

func TestRelay(t *testing.T) {
	l := start(t, "relay")
	playLesson(t, l, "relay")

	t.Run("no direct way", func(t *testing.T) {
		for target, want := range map[string]string{
			"10.4.2.10:50007": "ENETUNREACH (101)", "198.18.4.3:50007": "ETIMEDOUT (110)",
		} {
			all, exit := events(t, l, "host-a", "echo", target, "hi")
			assert.NotZero(t, exit)
			assert.Contains(t, only(t, all, "error").text("text"), want)
		}
		all, exit := events(t, l, "host-b", "echo", "10.4.1.10:50007", "hi")
		assert.NotZero(t, exit, "nor the other way: %v", all)
	})
	t.Run("a public server sees the NAT", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "echo", "198.18.4.10:50007", "hi")
		assert.Zero(t, exit)
		assert.Equal(t, "10.4.1.10", only(t, all, "connected").addr(t, "getsockname").Addr().String())
		assert.Equal(t, "198.18.4.2", only(t, all, "observed").addr(t, "address").Addr().String())
	})
	byRelay := []string{"--relay=198.18.4.20:7200", "--path=relay", "--token=e2e"}
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport+" arrives by the relay, which counts it", func(t *testing.T) {
			before := carriedBytes(t, l)
			here, there := punchBoth(t, l, transport, append(byRelay, "--serve=echo"), append(byRelay, "--say=hi"))
			assert.Equal(t, "hi", only(t, here, "reply").text("text"))
			for _, side := range [][]event{here, there} {
				path := only(t, side, "path")
				assert.Equal(t, "relayed", path.text("path"))
				assert.Equal(t, "198.18.4.20:7200", path.text("relay"))
			}
			// The relay says it when it knows that both have gone.
			require.Eventually(t, func() bool { return carriedBytes(t, l) != before }, logLimit, time.Millisecond)
		})
	}
	t.Run("a file crosses it whole", func(t *testing.T) {
		before := carriedBytes(t, l)
		here, there := punchBoth(t, l, "tcp", append(byRelay, "--serve=file", "--dir=/data"), append(byRelay, "--post=seen.bin", "--generate=30MB"))
		assert.Equal(t, only(t, here, "sha256").text("sha256"), only(t, there, "sha256").text("sha256"))
		require.Eventually(t, func() bool { return carriedBytes(t, l) != before }, logLimit, time.Millisecond)
	})
	byHole := []string{"--rendezvous=198.18.4.11:3480", "--path=direct", "--token=e2e"}
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport+" goes directly, and the relay carries nothing", func(t *testing.T) {
			before := carriedBytes(t, l)
			here, there := punchBoth(t, l, transport, append(byHole, "--serve=echo"), append(byHole, "--say=hi"))
			assert.Equal(t, "hi", only(t, here, "reply").text("text"))
			assert.Equal(t, "direct", only(t, here, "path").text("path"))
			assert.Equal(t, "198.18.4.3", only(t, here, "path").addr(t, "peer").Addr().String())
			assert.Equal(t, "198.18.4.2", only(t, there, "path").addr(t, "peer").Addr().String())
			assert.Equal(t, before, carriedBytes(t, l))
		})
	}
	t.Run("without a partner there is nobody", func(t *testing.T) {
		all, exit := events(t, l, "host-a", append([]string{"punch", "--tcp", "--say=hi", "--timeout=500ms"}, byRelay...)...)
		assert.NotZero(t, exit)
		assert.Contains(t, only(t, all, "error").text("text"), "nobody came with this token")
	})
}

// punchBoth has host-b serve and host-a talk, at the same time, and returns what each
// printed.
func punchBoth(t *testing.T, l *lab.Lab, transport string, serve, talk []string) (here, there []event) {
	t.Helper()
	command := []string{"punch"}
	if transport == "tcp" {
		command = append(command, "--tcp")
	}
	var g errgroup.Group
	var exits [2]int
	g.Go(func() error {
		there, exits[0] = events(t, l, "host-b", append(command[:len(command):len(command)], serve...)...)
		return nil
	})
	here, exits[1] = events(t, l, "host-a", append(command[:len(command):len(command)], talk...)...)
	require.NoError(t, g.Wait())
	require.Zero(t, exits, "host-a: %v\nhost-b: %v", here, there)
	return here, there
}

var carried = regexp.MustCompile(`(?m)^carried +(.*)$`)

// carriedBytes asks the relay what it has carried so far.
func carriedBytes(t *testing.T, l *lab.Lab) string {
	t.Helper()
	before := strings.Count(logOf(t, l, "relay"), "\ncarried ")
	require.NoError(t, l.Node("relay").Kill(t.Context(), "USR1"))
	waitLogged(t, l, "relay", "carried ", before+1)
	all := carried.FindAllStringSubmatch(logOf(t, l, "relay"), -1)
	return all[len(all)-1][1]
}
