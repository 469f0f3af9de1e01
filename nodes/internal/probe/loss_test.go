package probe

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// The first two answers from the other port are lost, over TCP the first two SYNs: what
// comes in at last is what counts.
func TestLoss(t *testing.T) {
	t.Parallel()
	l, k := newNATLab(t)
	c := config()
	c.Filtering = nat.FilterAddressDependent
	apply(t, k, c)
	l.loseTwoOfThree(t, netip.MustParseAddrPort("198.18.7.10:3479"))
	r := l.start(t, 0, primary, "--json").result(t)
	assert.Equal(t, FilterAddressDependent, r.UDP.Filtering)
	assert.Equal(t, FilterAddressDependent, r.TCP.Filtering)

	// The next answer is lost again: to ask once would be too little.
	r = l.start(t, 0, primary, "--json", "--udp", "--timeout", "200ms").result(t)
	assert.Equal(t, FilterAddressAndPortDependent, r.UDP.Filtering)
}

// loseTwoOfThree drops datagrams from a server's transport address, and SYNs from any
// port of it, before the router's NAT sees them.
func (l *lab) loseTwoOfThree(tb testing.TB, from netip.AddrPort) {
	tb.Helper()
	require.NoError(tb, l.router.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		table := c.AddTable(&nftables.Table{Name: "loss", Family: nftables.TableFamilyIPv4})
		chain := c.AddChain(&nftables.Chain{
			Name: "loss", Table: table, Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRaw,
		})
		field := func(offset uint32, base expr.PayloadBase, value []byte) []expr.Any {
			return []expr.Any{
				&expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: uint32(len(value))},
				&expr.Cmp{Register: 1, Data: value},
			}
		}
		protocol := func(p byte) []expr.Any {
			return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, &expr.Cmp{Register: 1, Data: []byte{p}}}
		}
		twoOfThree := []expr.Any{
			&expr.Numgen{Register: 1, Modulus: 3, Type: unix.NFT_NG_INCREMENTAL},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: binary.NativeEndian.AppendUint32(nil, 2)},
			&expr.Verdict{Kind: expr.VerdictDrop},
		}
		address := field(12, expr.PayloadBaseNetworkHeader, from.Addr().AsSlice())
		port := field(0, expr.PayloadBaseTransportHeader, binary.BigEndian.AppendUint16(nil, from.Port()))
		syn := field(13, expr.PayloadBaseTransportHeader, []byte{0x02}) // and no ACK
		for _, match := range [][]expr.Any{
			slices.Concat(protocol(unix.IPPROTO_UDP), address, port),
			slices.Concat(protocol(unix.IPPROTO_TCP), address, syn),
		} {
			c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: slices.Concat(match, twoOfThree)})
		}
		return c.Flush()
	}))
}
