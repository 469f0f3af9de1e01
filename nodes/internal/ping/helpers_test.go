package ping

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// limit ends what hangs in a test.
const limit = 20 * time.Second

// everyGroup lets a host's programs open ICMP datagram sockets, as engines do for
// containers.
func everyGroup(t *testing.T, n *nstest.Namespace) {
	t.Helper()
	n.Sysctl(t, "net/ipv4/ping_group_range", "0 2147483647")
}

// result is what a run of client did.
type outcome struct {
	status         int
	stdout, stderr string
}

// call runs a command of client on a host. What changes from run to run is a star.
func call(t *testing.T, n *nstest.Namespace, args ...string) outcome {
	t.Helper()
	var o outcome
	require.NoError(t, n.Do(func() error {
		o = callHere(t, args...)
		return nil
	}))
	return o
}

func callHere(t *testing.T, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := &cobra.Command{Use: "client"}
	cmd.AddCommand(Command(), TracerouteCommand())
	var stdout, stderr nodetest.Log
	status := node.Run(ctx, cmd, args, &stdout, &stderr)
	require.NoError(t, ctx.Err(), "client %q hung", args)
	text := regexp.MustCompile(`[0-9]+\.[0-9]{3} ms`).ReplaceAllString(stdout.String(), "* ms")
	text = regexp.MustCompile(`id [0-9]+`).ReplaceAllString(text, "id *")
	return outcome{status, text, stderr.String()}
}

// routed makes host A, a router and host B: 10.46.1.10, 10.46.1.1, 10.46.2.1, 10.46.2.10.
func routed(t *testing.T) (a, router, b *nstest.Namespace) {
	t.Helper()
	a, router, b = nstest.New(t), nstest.New(t), nstest.New(t)
	nstest.Link(t, a, "lan", "10.46.1.10/24", router, "lan-a", "10.46.1.1/24")
	nstest.Link(t, b, "lan", "10.46.2.10/24", router, "lan-b", "10.46.2.1/24")
	a.Route(t, "0.0.0.0/0", "10.46.1.1")
	b.Route(t, "0.0.0.0/0", "10.46.2.1")
	router.Sysctl(t, "net/ipv4/ip_forward", "1")
	router.Sysctl(t, "net/ipv4/icmp_ratelimit", "0")
	everyGroup(t, a)
	// A packet that is sent while the kernel still notices that the cables are plugged
	// in is lost, and what asked for it comes a second later.
	require.Zero(t, call(t, a, "ping", "10.46.2.10", "--count", "1").status)
	return a, router, b
}

// mtu sets the largest packet of an interface.
func mtu(t *testing.T, n *nstest.Namespace, name string, size int) {
	t.Helper()
	l, err := n.LinkByName(name)
	require.NoError(t, err)
	require.NoError(t, n.LinkSetMTU(l, size))
}

// impatient has a host give up on ARP at once.
func impatient(t *testing.T, n *nstest.Namespace, name string) {
	t.Helper()
	n.Sysctl(t, "net/ipv4/neigh/"+name+"/retrans_time_ms", "10")
}
