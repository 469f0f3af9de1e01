package client

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSinkDatagrams(t *testing.T) {
	log := serve(t, "sink="+servicesIP)
	got := call(t, "sink", servicesIP+":8090", "--udp", "one", "two", "three")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `sent       send("one") = 3
sent       send("two") = 3
sent       send("three") = 5
`, got.stdout)
	log.Wait(t, `5 bytes "three"`)
	var datagrams []string
	for line := range strings.Lines(log.String()) {
		if name, text, _ := strings.Cut(line, " "); name == "datagram" {
			_, text, _ = strings.Cut(text, "ttl 64 ")
			datagrams = append(datagrams, strings.TrimSpace(text))
		}
	}
	assert.Equal(t, []string{`3 bytes "one"`, `3 bytes "two"`, `5 bytes "three"`}, datagrams, "neither merged nor split")
}

func TestSinkDatagramErrors(t *testing.T) {
	got := call(t, "sink", closedPort(t), "--udp", strings.Repeat("x", 65508))
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "client: send: EMSGSIZE (90) message too long: ")
	for args, want := range map[string]string{
		"--udp --nagle one":   "client: --nagle is TCP's: no datagram waits for another",
		"--udp":               "client: which messages?",
		"--udp --pause -1s x": "client: --pause -1s is negative",
	} {
		got := call(t, append([]string{"sink", servicesIP + ":8090"}, strings.Fields(args)...)...)
		assert.Equal(t, 2, got.status, args)
		assert.Contains(t, got.stderr, want, args)
	}
}
