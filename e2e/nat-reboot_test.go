package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNATReboot(t *testing.T) {
	l := start(t, "nat-reboot")
	playLesson(t, l, "nat-reboot")

	for name, forget := range map[string]func() error{
		"flush": func() error {
			_, err := l.Node("nat-a").Exec(t.Context(), "router", "flush")
			return err
		},
		"restart": func() error { return l.Node("nat-a").Restart(t.Context()) },
	} {
		t.Run(name+" forgets mappings and keeps forwards", func(t *testing.T) {
			_, exit := events(t, l, "host-a", "echo", "--udp", "198.18.24.10:50007", "hi")
			require.Zero(t, exit)
			require.NoError(t, forget())
			for _, m := range mappings(t, l, "nat-a") {
				assert.Equal(t, "10.24.1.11:50007", m.Inside, "the forward is all that is left")
			}
			all, exit := events(t, l, "server", "echo", "198.18.24.2:8080", "hi")
			assert.Zero(t, exit)
			assert.Equal(t, "198.18.24.10", only(t, all, "observed").addr(t, "address").Addr().String())
			_, exit = events(t, l, "host-a", "echo", "--udp", "198.18.24.10:50007", "hi")
			assert.Zero(t, exit, "and who begins anew gets through")
		})
	}
}
