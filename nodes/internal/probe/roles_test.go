package probe

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRoles(t *testing.T) {
	in := newInbox()
	open := func(local netip.AddrPort) (*socket, error) { return openSocket(local, in) }
	host := netip.MustParseAddr("127.0.79.4")
	ports := func(all []*socket) (p []uint16) {
		for _, s := range all {
			p = append(p, s.address().Port())
		}
		return p
	}

	for range 20 {
		all, err := openRoles(netip.AddrPortFrom(host, 0), roles, open)
		require.NoError(t, err)
		for role, port := range ports(all) {
			assert.Equal(t, role, int(port%roles), "a port keeps its role")
		}
		require.NoError(t, closeAll(all))
	}

	all, err := openRoles(netip.AddrPortFrom(host, 4003), roles, open)
	require.NoError(t, err)
	assert.Equal(t, []uint16{4003, 4004}, ports(all)[:hairpinRole])
	assert.Equal(t, hairpinRole, int(ports(all)[hairpinRole]%roles))
	require.NoError(t, closeAll(all))

	all, err = openRoles(netip.AddrPortFrom(host, 65535), hairpinRole, open)
	require.NoError(t, err)
	assert.Equal(t, []uint16{65535, 65534}, ports(all))
	require.NoError(t, closeAll(all))
}

func TestRolesOnTakenPorts(t *testing.T) {
	in := newInbox()
	host := netip.MustParseAddr("127.0.79.5")
	taken, err := openSocket(netip.AddrPortFrom(host, 4009), in)
	require.NoError(t, err)
	defer taken.Close()
	tried := 0
	open := func(local netip.AddrPort) (*socket, error) {
		if local.Port() == 0 {
			// The kernel offers a port whose neighbour is taken, and then another.
			tried++
			local = netip.AddrPortFrom(host, []uint16{4008, 4016}[tried-1])
		}
		return openSocket(local, in)
	}
	all, err := openRoles(netip.AddrPortFrom(host, 0), roles, open)
	require.NoError(t, err)
	assert.Equal(t, 2, tried)
	assert.Equal(t, uint16(4016), all[0].address().Port())
	require.NoError(t, closeAll(all))

	_, err = openRoles(netip.AddrPortFrom(host, 4008), roles, open)
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	// What was opened before is closed again.
	again, err := openSocket(netip.AddrPortFrom(host, 4008), in)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}
