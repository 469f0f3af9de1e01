package router

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFlagsAreParsedOnce(t *testing.T) {
	c, err := flags{
		addresses:  []string{"10.3.1.1/24"},
		routes:     []string{"10.3.9.0/24=10.3.1.7"},
		blackholes: []string{"10.3.8.0/24"},
	}.config()
	require.NoError(t, err)
	assert.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.3.1.1/24")}, c.Addresses)
	assert.ElementsMatch(t, []Route{
		{To: netip.MustParsePrefix("10.3.9.0/24"), Kind: Unicast, Via: netip.MustParseAddr("10.3.1.7")},
		{To: netip.MustParsePrefix("10.3.8.0/24"), Kind: Blackhole},
	}, c.Routes)
}

func TestBadFlagsAreNamed(t *testing.T) {
	for says, f := range map[string]flags{
		`--address "10.3.1.1"`:                {addresses: []string{"10.3.1.1"}},
		`--address "10.3.1.0/24"`:             {addresses: []string{"10.3.1.0/24"}},
		`--address ""`:                        {addresses: []string{""}},
		`--route "10.3.9.0/24"`:               {routes: []string{"10.3.9.0/24"}},
		`"nobody" is no address`:              {routes: []string{"10.3.9.0/24=nobody"}},
		`one is IPv4 and the other IPv6`:      {routes: []string{"10.3.9.0/24=2001:db8::1"}},
		`write 10.3.9.0/24`:                   {blackholes: []string{"10.3.9.7/24"}},
		`--unreachable "10.3.9.0/33"`:         {unreachables: []string{"10.3.9.0/33"}},
		`--prohibit "x"`:                      {prohibits: []string{"x"}},
		`10.3.9.0/24 has two routes`:          {blackholes: []string{"10.3.9.0/24"}, prohibits: []string{"10.3.9.0/24"}},
		`10.3.9.0/24 via 10.3.1.7; leave one`: {routes: []string{"10.3.9.0/24=10.3.1.7", "10.3.9.0/24=10.3.1.7"}},
	} {
		_, err := f.config()
		assert.ErrorContains(t, err, says)
	}
}
