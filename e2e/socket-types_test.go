package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSocketTypes(t *testing.T) {
	l := start(t, "socket-types")
	playLesson(t, l, "socket-types")

	t.Run("one server sees callers of both families", func(t *testing.T) {
		for address, seen := range map[string]string{
			"[2001:db8:32:1::11]:50007": "[2001:db8:32:1::10]:",
			"10.32.1.11:50007":          "[::ffff:10.32.1.10]:",
		} {
			b := begin(t, l, "host-a2", "api", "names", "[::]:50007")
			_, exit := events(t, l, "host-a", "api", "names", address)
			assert.Zero(t, exit)
			server, exit := b.wait()
			assert.Zero(t, exit)
			peer := results(server, "getpeername")
			require.Len(t, peer, 1)
			assert.True(t, strings.HasPrefix(peer[0], seen), peer[0])
		}
	})
	t.Run("a raw socket takes NET_RAW, ping does not", func(t *testing.T) {
		for node, want := range map[string][]string{
			"host-a":  {"-1, errno 1 EPERM", "3"},
			"host-a2": {"3", "3"},
		} {
			all, exit := events(t, l, node, "api", "raw", "127.0.0.1")
			assert.Zero(t, exit)
			assert.Equal(t, want, results(all, "socket"), node)
		}
	})
	t.Run("SOCK_RDM is refused", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "api", "types")
		assert.Zero(t, exit)
		refused := 0
		for _, e := range calls(all, "socket") {
			args := e["args"].([]any)
			if args[1] == "SOCK_RDM" && args[0] != "AF_TIPC" {
				assert.Equal(t, "ESOCKTNOSUPPORT", e.text("name"), "%v", e)
				refused++
			}
		}
		assert.Equal(t, 3, refused, "AF_INET, AF_INET6 and AF_UNIX")
	})
	t.Run("a damaged datagram does not arrive", func(t *testing.T) {
		b := begin(t, l, "host-a", "api", "checksum")
		_, exit := events(t, l, "host-a2", "api", "checksum", "10.32.1.10:50007")
		assert.Zero(t, exit)
		server, exit := b.wait()
		assert.Zero(t, exit)
		var got []string
		for _, r := range results(server, "recvfrom") {
			word, _, _ := strings.Cut(r, " from ")
			got = append(got, word)
		}
		assert.Equal(t, []string{`6 "intact"`, `16 "without checksum"`, `4 "last"`}, got)
		assert.Equal(t, []string{"+1"}, results(server, "/proc/net/snmp"))
	})
}
