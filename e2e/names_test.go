package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNames(t *testing.T) {
	l := start(t, "names")
	playLesson(t, l, "names")

	log := func() string {
		var text strings.Builder
		require.NoError(t, l.Node("dns").Logs(t.Context(), &text, false))
		return text.String()
	}
	t.Run("what the hosts file has is asked of nobody", func(t *testing.T) {
		for _, name := range []string{"localhost", "printer"} {
			all, exit := events(t, l, "host-a", "resolve", name)
			assert.Zero(t, exit, "%v", all)
			assert.NotContains(t, log(), name)
		}
	})
	t.Run("the server that a name leads to sees the one who asked", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "echo", "web.example:50007", "hi")
		assert.Zero(t, exit, "%v", all)
		assert.Equal(t, "10.45.2.10:50007", only(t, all, "connected").text("remote"))
		assert.Equal(t, "10.45.1.10", only(t, all, "observed").addr(t, "address").Addr().String())
	})
	t.Run("the name server has heard each question, also those without an answer", func(t *testing.T) {
		for _, said := range []string{
			"question   A web.example. NOERROR 10.45.2.10\n",
			"question   AAAA web.example. NOERROR\n",
			"question   A two.example. NOERROR 10.45.2.11 10.45.2.10\n",
			"question   A wep.example. NXDOMAIN\n",
			"question   A liar.example. NOERROR 127.0.0.1\n",
		} {
			assert.Contains(t, log(), said)
		}
	})
}
