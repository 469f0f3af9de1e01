package nat

import (
	"testing"

	"github.com/google/nftables/expr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A kernel that lacks something is told by what it lacks, and nothing is left of the
// attempt.
func TestMissingFeature(t *testing.T) {
	l := newLab(t)
	assert.Empty(t, l.missing(features()), "this kernel has them all")
	absent := feature{name: "offloading", exprs: words{&expr.FlowOffload{Name: "absent"}}}
	assert.Equal(t, "offloading", l.missing(append(features(), absent)))
	_, err := l.read(2, "crosslan-try")
	require.ErrorIs(t, err, ErrNone)
	l.apply(t, config())
}

func TestWithoutCapability(t *testing.T) {
	l := newLab(t)
	require.NoError(t, l.router.Do(func() error {
		if err := without(unix.CAP_NET_ADMIN); err != nil {
			return err
		}
		k, err := Open()
		if err != nil {
			return err
		}
		defer k.Close()
		_, err = k.Apply(config())
		assert.ErrorContains(t, err, "list nftables tables: netlink receive: operation not permitted: this needs the capability NET_ADMIN")
		return nil
	}))
	_, err := l.Show()
	require.ErrorIs(t, err, ErrNone)
}

// without takes a capability from the calling thread.
func without(capability uint) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	data[capability/32].Effective &^= 1 << (capability % 32)
	return unix.Capset(&header, &data[0])
}
