package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

// holePunch is what the scenarios hole-punch-udp and hole-punch-tcp have in common.
type holePunch struct {
	t      *testing.T
	lab    *lab.Lab
	net    string   // 198.18.N.
	option []string // of client punch
}

// secret is what is said, and looked for in what was captured.
const secret = "what only the two should hear"

// talk has host-a say something to host-b, and returns what it printed, and which
// packets passed the rendezvous and the relay meanwhile.
func (h holePunch) talk(words ...string) (printed, atServer, atRelay []event) {
	h.t.Helper()
	server, relay := watch(h.t, h.lab, "capture-server"), watch(h.t, h.lab, "capture-relay")
	argv := append([]string{"punch", "--timeout", "1m", "--rendezvous", h.net + "10:3480", "--relay", h.net + "20:7200", "--token", "our-secret"}, h.option...)
	for _, w := range words {
		argv = append(argv, "--say", w)
	}
	printed, exit := events(h.t, h.lab, "host-a", argv...)
	require.Zero(h.t, exit, "%v", printed)
	replies := 0
	for _, e := range printed {
		if e.name() == "reply" {
			replies++
		}
	}
	assert.Equal(h.t, len(words), replies, "%v", printed)
	return printed, server.packets(h.lab, "host-a", h.net+"10"), relay.packets(h.lab, "host-a", h.net+"20")
}

// set changes a NAT's kind.
func (h holePunch) set(nat string, flags ...string) {
	h.t.Helper()
	r, err := h.lab.Node(nat).Exec(h.t.Context(), append([]string{"router", "set"}, flags...)...)
	require.NoError(h.t, err)
	require.Zero(h.t, r.ExitCode, "%s", r.Output)
}

// direct asserts that nothing that is said passes the rendezvous or the relay.
func (h holePunch) direct() {
	var words []string
	for i := range 200 {
		words = append(words, fmt.Sprintf("%s %d", secret, i))
	}
	printed, atServer, atRelay := h.talk(words...)
	path := only(h.t, printed, "path")
	assert.Equal(h.t, "direct", path.text("path"))
	assert.Equal(h.t, h.net+"3", path.addr(h.t, "peer").Addr().String(), "the peer is host-b's NAT")
	assert.NotEmpty(h.t, atServer, "the rendezvous has introduced them")
	assert.Empty(h.t, carrying(atServer, secret))
	assert.Empty(h.t, atRelay, "the relay was not even asked")
	// Nor as anything else: 400 messages went between the two, and the rendezvous has
	// seen some dozens of packets of its own.
	assert.Less(h.t, len(atServer), len(words))
}

// relayed asserts that what is said passes the relay, each message there and back, and
// not the rendezvous: the same look that finds nothing above finds it here.
func (h holePunch) relayed() {
	printed, atServer, atRelay := h.talk(secret)
	path := only(h.t, printed, "path")
	assert.Equal(h.t, "relayed", path.text("path"))
	assert.Equal(h.t, h.net+"20:7200", path.text("relay"))
	assert.Empty(h.t, carrying(atServer, secret))
	assert.GreaterOrEqual(h.t, len(carrying(atRelay, secret)), 4, "in and out, twice")
}

func (h holePunch) test() {
	run := func(name string, f func(h holePunch)) {
		h.t.Run(name, func(t *testing.T) {
			sub := h
			sub.t = t
			f(sub)
		})
	}
	h.set("nat-a", "--mapping", "endpoint-independent", "--filtering", "address-and-port-dependent")
	h.set("nat-b", "--mapping", "endpoint-independent", "--filtering", "address-and-port-dependent")
	run("no packet of the conversation passes rendezvous or relay", holePunch.direct)
	h.set("nat-a", "--mapping", "address-and-port-dependent")
	run("where it cannot be direct, the relay carries", holePunch.relayed)
	h.set("nat-b", "--filtering", "address-dependent")
	run("who is less strict is reached", holePunch.direct)
}
