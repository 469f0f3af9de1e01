package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFind(t *testing.T) {
	all := []Scenario{{Name: "same-lan"}, {Name: "relay"}, {Name: "hole-punch-udp"}, {Name: "hole-punch-tcp"}, {Name: "nat-types"}}
	s, err := Find(all, "relay")
	require.NoError(t, err)
	assert.Equal(t, "relay", s.Name)

	for name, want := range map[string]string{
		"realy":          `no scenario "realy": did you mean relay? (crosslan list shows them all)`,
		"Relay":          `no scenario "Relay": did you mean relay? (crosslan list shows them all)`,
		"hole-punch-dup": `no scenario "hole-punch-dup": did you mean hole-punch-udp? (crosslan list shows them all)`,
		"hole-pnch-tcp":  `no scenario "hole-pnch-tcp": did you mean hole-punch-tcp? (crosslan list shows them all)`,
		"types":          `no scenario "types": did you mean nat-types? (crosslan list shows them all)`,
		"samelan":        `no scenario "samelan": did you mean same-lan? (crosslan list shows them all)`,
		"x":              `no scenario "x" (crosslan list shows them all)`,
		"":               `no scenario "" (crosslan list shows them all)`,
		"中继":             `no scenario "中继" (crosslan list shows them all)`,
	} {
		_, err := Find(all, name)
		require.EqualError(t, err, want)
		var unknown *UnknownError
		require.ErrorAs(t, err, &unknown)
	}
}

func TestIsFile(t *testing.T) {
	for name, want := range map[string]bool{
		"relay": false, "relay.yml": true, "compose.yaml": true, "./relay": true, "../some/compose.yml": true, `C:\lab`: true, "yml": false,
	} {
		assert.Equal(t, want, IsFile(name), name)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"relay", "relay", 0}, {"", "abc", 3}, {"realy", "relay", 1}, {"rlay", "relay", 1}, {"relayy", "relay", 1}, {"kitten", "sitting", 3},
	} {
		assert.Equal(t, c.want, distance(c.a, c.b), "%s %s", c.a, c.b)
		assert.Equal(t, c.want, distance(c.b, c.a), "%s %s", c.b, c.a)
	}
}
