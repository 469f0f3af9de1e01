package batch

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNameOf(t *testing.T) {
	for _, s := range []string{"198.18.13.3:40000", "0.0.0.0:0", "[2001:db8::1]:65535", "[fe80::1%7]:9"} {
		a := netip.MustParseAddrPort(s)
		assert.Equal(t, a, NameOf(a).AddrPort())
	}
}
