package nat

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/nftables/expr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// allConfigs calls f with every combination of what changes rules.
func allConfigs(f func(name string, c Config)) {
	for i := range 3 * 3 * 3 * 2 * 2 * 2 * 2 {
		pick := func(n int) int {
			r := i % n
			i /= n
			return r
		}
		c := config()
		c.Mapping, c.Filtering, c.Ports = Mapping(pick(3)), Filtering(pick(3)), Ports(pick(3))
		c.Permission = Permission(pick(2))
		c.Hairpin, c.RefreshInbound = pick(2) == 1, pick(2) == 1
		if pick(2) == 1 {
			c.OutsideAddrs = []netip.Addr{wan, netip.MustParseAddr("198.18.5.3")}
			c.Forwards = []Forward{{TCP, netip.AddrPortFrom(wan, 8080), netip.AddrPortFrom(insideAddr[0], 80)}}
			c.Untranslated, c.HostMappings = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, 100
		}
		f(fmt.Sprintf("%v %v %v %v hairpin=%v inbound=%v addrs=%d", c.Mapping, c.Filtering, c.Ports, c.Permission, c.Hairpin, c.RefreshInbound, len(c.OutsideAddrs)), c)
	}
}

// What Build makes holds together: every name means something, no register is read
// before it is written in the same rule (kernels since 6.10 refuse that), and every
// rule says what it is for.
func TestBuild(t *testing.T) {
	allConfigs(func(name string, c Config) {
		plan, err := c.Plan(testLinks())
		require.NoError(t, err)
		r := Build(plan)
		require.Equal(t, r, Build(plan), "equal plans, equal rules")
		sets, chains := make(map[string]Set), make(map[string]bool)
		for _, s := range r.Sets {
			sets[s.Name] = s
		}
		for _, c := range r.Chains {
			require.False(t, chains[c.Name], "two chains %s", c.Name)
			chains[c.Name] = true
		}
		used := map[string]bool{chainConfig: true}
		for _, chain := range r.Chains {
			used[chain.Name] = used[chain.Name] || chain.Hook != nil
			for _, rule := range chain.Rules {
				where := fmt.Sprintf("%s: %s: %s", name, chain.Name, rule.Comment)
				require.NotEmpty(t, rule.Comment, where)
				require.LessOrEqual(t, len(rule.Comment), commentRoom, where)
				checkRule(t, where, rule, sets)
				for _, e := range rule.Exprs {
					if v, ok := e.(*expr.Verdict); ok && v.Chain != "" {
						require.True(t, chains[v.Chain], "%s: no chain %s", where, v.Chain)
						used[v.Chain] = true
					}
				}
			}
		}
		assert.Equal(t, chains, used, name+": no chain is out of reach")
	})
}

// checkRule follows the registers through a rule.
func checkRule(t *testing.T, where string, rule Rule, sets map[string]Set) {
	t.Helper()
	var written [16]bool
	write := func(r, bytes uint32) {
		for i := range (bytes + 3) / 4 {
			written[registerNumber(r)+i] = true
		}
	}
	read := func(r, bytes uint32) {
		for i := range (bytes + 3) / 4 {
			require.True(t, written[registerNumber(r)+i], "%s: register %d is read before it is written", where, registerNumber(r)+i)
		}
	}
	for _, e := range rule.Exprs {
		switch e := e.(type) {
		case *expr.Payload:
			write(e.DestRegister, e.Len)
		case *expr.Meta:
			n := map[expr.MetaKey]uint32{expr.MetaKeyIIFNAME: unix.IFNAMSIZ, expr.MetaKeyOIFNAME: unix.IFNAMSIZ}[e.Key]
			write(e.Register, max(n, 4))
		case *expr.Ct:
			n := map[expr.CtKey]uint32{expr.CtKeyLABELS: 16}[e.Key]
			if e.SourceRegister {
				read(e.Register, max(n, 4))
			} else {
				write(e.Register, max(n, 4))
			}
		case *expr.Immediate:
			write(e.Register, uint32(len(e.Data)))
		case *expr.Numgen:
			write(e.Register, 4)
		case *expr.Hash:
			read(e.SourceRegister, e.Length)
			write(e.DestRegister, 4)
		case *expr.Bitwise:
			read(e.SourceRegister, e.Len)
			write(e.DestRegister, e.Len)
		case *expr.Byteorder:
			read(e.SourceRegister, e.Len)
			write(e.DestRegister, e.Len)
		case *expr.Cmp:
			read(e.Register, uint32(len(e.Data)))
		case *expr.Lookup:
			s, ok := sets[e.SetName]
			require.True(t, ok, "%s: no set %s", where, e.SetName)
			require.Equal(t, s.Data != nil, e.IsDestRegSet, "%s: older kernels look up a map only for its data", where)
			read(e.SourceRegister, 4*uint32(len(s.Key)))
			if e.IsDestRegSet {
				write(e.DestRegister, 4*uint32(len(s.Data)))
			}
		case *expr.Dynset:
			s, ok := sets[e.SetName]
			require.True(t, ok && s.Dynamic, "%s: no dynamic set %s", where, e.SetName)
			require.Equal(t, s.Data != nil, e.SrcRegData != 0, where)
			read(e.SrcRegKey, 4*uint32(len(s.Key)))
			if e.SrcRegData != 0 {
				read(e.SrcRegData, 4*uint32(len(s.Data)))
			}
			require.Equal(t, s.Counted, e.Timeout == 0, where)
		case *expr.NAT:
			read(e.RegAddrMin, 4)
			if e.RegProtoMin != 0 {
				read(e.RegProtoMin, 4)
			}
		case *expr.Verdict, *expr.Objref:
		default:
			require.Fail(t, "unknown expression", "%s: %v", where, reflect.TypeOf(e))
		}
	}
}

// registerNumber is the inverse of reg.
func registerNumber(r uint32) uint32 {
	if r >= unix.NFT_REG32_00 {
		return r - unix.NFT_REG32_00
	}
	return (r - unix.NFT_REG_1) * 4
}

// The kernel lists back what it was given, for every combination, and applying it
// again changes nothing.
func TestKernelListsWhatWasBuilt(t *testing.T) {
	l := newLab(t)
	links, err := l.Links()
	require.NoError(t, err)
	allConfigs(func(name string, c Config) {
		plan, err := c.Plan(links)
		require.NoError(t, err)
		_, err = l.Apply(c)
		require.NoError(t, err, name)
		want := Build(plan)
		have, err := l.read(want.Family, want.Table)
		require.NoError(t, err)
		require.True(t, reflect.DeepEqual(canonical(want), have), name)
		changed, err := l.Apply(c)
		require.NoError(t, err)
		require.False(t, changed, name)
		current, err := l.Current()
		require.NoError(t, err)
		require.Equal(t, plan.Config, current)
	})
}
