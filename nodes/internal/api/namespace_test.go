package api

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// twoHosts are two hosts of one LAN, 10.0.0.1 and 10.0.0.2.
func twoHosts(t *testing.T) (a, b *nstest.Namespace) {
	t.Helper()
	a, b = nstest.New(t), nstest.New(t)
	nstest.Link(t, a, "a", "10.0.0.1/24", b, "b", "10.0.0.2/24")
	for ns, name := range map[*nstest.Namespace]string{a: "a", b: "b"} {
		// Until then the kernel drops what is sent.
		require.Eventually(t, func() bool {
			link, err := ns.LinkByName(name)
			return err == nil && link.Attrs().OperState == netlink.OperUp
		}, hang, 10*time.Millisecond)
	}
	return a, b
}

// startIn starts a program in a namespace.
func startIn(t *testing.T, ns *nstest.Namespace, line string) *program {
	t.Helper()
	p := newProgram(t, line)
	ns.Start(t, p.cmd)
	return p
}

// finish waits for a good end, and returns the output from the first line on that
// begins so.
func (p *program) finish(t *testing.T, from string) string {
	t.Helper()
	out, status := p.wait(t)
	require.Zero(t, status, "%s%s", out, &p.errors)
	i := strings.Index(out, "\n"+from)
	require.GreaterOrEqual(t, i, 0, out)
	return out[i+1:]
}

// TestConnectErrorsOfALAN has what connect_ex returns for each way not to arrive.
func TestConnectErrorsOfALAN(t *testing.T) {
	t.Parallel()
	a, b := twoHosts(t)
	a.Sysctl(t, "net/ipv4/tcp_syn_retries", "2")
	b.Sysctl(t, "net/ipv4/ip_forward", "0")
	a.Route(t, "10.8.0.0/24", "10.0.0.2")
	s := startIn(t, b, "server api tcp 10.0.0.2:50007")
	s.ready(t)
	tests := []struct{ flags, to, want string }{
		{"", "10.0.0.2:50007", "0 after 0.… s"},
		{"", "10.0.0.2:1", "111 ECONNREFUSED after 0.… s (Windows: 10061 WSAECONNREFUSED)"},
		{"", "10.9.0.2:1", "101 ENETUNREACH after 0.… s (Windows: 10051 WSAENETUNREACH)"},
		{"", "10.0.0.9:1", "113 EHOSTUNREACH after 3.… s (Windows: 10065 WSAEHOSTUNREACH)"},
		{"", "10.8.0.9:1", "110 ETIMEDOUT after 7.… s (Windows: 10060 WSAETIMEDOUT)"},
		{"--non-blocking ", "10.0.0.9:1", "115 EINPROGRESS (Windows: 10035 WSAEWOULDBLOCK)  under way\n…"},
	}
	clients := make([]*program, len(tests))
	for i, test := range tests {
		clients[i] = startIn(t, a, "client api connect-errors "+test.flags+test.to)
	}
	for i, test := range tests {
		want := "connect_ex(3, " + test.to + ") = " + test.want + "\nclose(3) = 0"
		matches(t, strings.Split(want, "\n"), clients[i].finish(t, "connect_ex"))
	}
}

// TestVanished cuts the cable between a server and its client, which sends nothing
// then, not even an end.
func TestVanished(t *testing.T) {
	t.Parallel()
	const end = `
close(4) = 0                                      hang up
close(3) = 0                                      switch the phone off`
	for watch, want := range map[string]string{
		"keepalive": `setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, 1) = 0    ask now and then whether somebody is there
setsockopt(4, IPPROTO_TCP, TCP_KEEPIDLE, 1) = 0   after 1 s of silence
setsockopt(4, IPPROTO_TCP, TCP_KEEPINTVL, 1) = 0  every second
setsockopt(4, IPPROTO_TCP, TCP_KEEPCNT, 3) = 0    three times
recv(4, 1024) = -1, errno 110 ETIMEDOUT after 4.… s (Windows: 10060 WSAETIMEDOUT)  what recv says about the client`,
		"send": `setsockopt(4, IPPROTO_TCP, TCP_USER_TIMEOUT, 2000) = 0  ms that sent bytes may stay unconfirmed
poll([4 POLLIN], 5000) = 0 after 5.… s  …silence tells nothing
send(4, "are you there?") = 14                    into the void: the kernel takes it
recv(4, 1024) = -1, errno 110 ETIMEDOUT after … s (Windows: 10060 WSAETIMEDOUT)  what recv says about the client`,
		"nothing": `poll([4 POLLIN], 3000) = 0 after 3.… s  …a recv would wait for ever; this looks for 3 s
getsockopt(4, IPPROTO_TCP, TCP_INFO) = ESTABLISHED  the kernel believes that all is well`,
	} {
		t.Run(watch, func(t *testing.T) {
			t.Parallel()
			a, b := twoHosts(t)
			s := startIn(t, b, "server api vanished 10.0.0.2:50007 --watch "+watch)
			s.ready(t)
			c := startIn(t, a, "client api vanished 10.0.0.2:50007 --how stay")
			c.ready(t)
			link, err := a.LinkByName("a")
			require.NoError(t, err)
			require.NoError(t, a.LinkSetDown(link))
			got := s.finish(t, `send(4, "HELLO")`)
			_, got, _ = strings.Cut(got, "\n")
			matches(t, strings.Split(want+end, "\n"), got)
			terminate(t, c, 0)
		})
	}
}

// TestIPv6 has the same calls with addresses of IPv6.
func TestIPv6(t *testing.T) {
	t.Parallel()
	host := nstest.New(t)
	for _, topic := range []string{"tcp", "udp", "close", "backlog"} {
		s := startIn(t, host, "server api "+topic+" [::1]:50007")
		s.ready(t)
		c := startIn(t, host, "client api "+topic+" [::1]:50007")
		out, status := c.wait(t)
		require.Zero(t, status, "%s%s", out, &c.errors)
		want := strings.Join(transcript(t, topic+".client.txt"), "\n")
		want = strings.NewReplacer("AF_INET,", "AF_INET6,", "127.0.0.1:…", "[::1]:…", "0.0.0.0:", "[::]:", "65508", "65528", "  ", "…").Replace(want)
		matches(t, strings.Split(want, "\n"), out)
		_, status = s.wait(t)
		assert.Zero(t, status)
	}
}
