package probe

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The mapping lives for 2 s, and a little longer; this machine may be busy.
func TestLifetime(t *testing.T) {
	t.Parallel()
	const lifetime, grain = 2 * time.Second, 100 * time.Millisecond
	l, k := newNATLab(t)
	c := config()
	c.Lifetimes.UDP = lifetime
	apply(t, k, c)
	text := l.start(t, 0, primary, "--udp", "--lifetime").text(t)
	assert.Contains(t, text, "alive      udp after 0.95 s\n")
	assert.Regexp(t, `(?m)^lifetime   udp between [12](\.\d)? s and 2(\.\d)? s$`, text)

	text = l.start(t, 0, primary, "--udp", "--lifetime", "--max", "1s").text(t)
	assert.Contains(t, text, "lifetime   udp more than 1 s\n")

	// What comes in at the end of a mapping's life may not prolong it in the probe's
	// eyes, even if the NAT takes it for a sign of life.
	c.RefreshInbound = true
	apply(t, k, c)
	r := l.start(t, 0, primary, "--udp", "--lifetime", "--resolution", "150ms", "--json").result(t)
	found := r.UDP.Lifetime
	require.NotNil(t, found)
	assert.LessOrEqual(t, found.Below-found.AtLeast, 150*time.Millisecond)
	assert.Less(t, found.AtLeast, lifetime+grain)
	assert.GreaterOrEqual(t, found.Below, lifetime)
}

func TestAges(t *testing.T) {
	ages := ascending(2 * time.Minute)
	assert.Equal(t, firstAge, ages[0])
	assert.Equal(t, 2*time.Minute, ages[len(ages)-1])
	for i := 1; i < len(ages); i++ {
		assert.Greater(t, ages[i], ages[i-1])
		assert.LessOrEqual(t, ages[i]-ages[i-1], ages[i-1]/parts)
	}
	// Usual lifetimes are not at an age, where either answer would be right.
	for _, usual := range []time.Duration{1, 2, 3, 4, 5, 10, 15, 20, 30, 45, 60, 90} {
		assert.NotContains(t, ages, usual*time.Second)
	}
	assert.Equal(t, []time.Duration{time.Second}, ascending(time.Second)[1:])

	finer := between(Lifetime{AtLeast: 8 * time.Second, Below: 16 * time.Second})
	assert.Equal(t, []time.Duration{9e9, 10e9, 11e9, 12e9, 13e9, 14e9, 15e9}, finer)
}

func TestLifetimeText(t *testing.T) {
	assert.Equal(t, "between 4.7 s and 5.3 s", (&Lifetime{4753 * time.Millisecond, 5225 * time.Millisecond}).String())
	assert.Equal(t, "more than 360 s", (&Lifetime{6 * time.Minute, 0}).String())
	for _, l := range []Lifetime{{4750 * time.Millisecond, 5225 * time.Millisecond}, {6 * time.Minute, 0}} {
		b, err := json.Marshal(l)
		require.NoError(t, err)
		var got Lifetime
		require.NoError(t, json.Unmarshal(b, &got))
		assert.Equal(t, l, got)
	}
}
