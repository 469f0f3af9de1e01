package probe

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

func at(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func TestOldNames(t *testing.T) {
	names := map[string]int{}
	for _, m := range []Mapping{MapEndpointIndependent, MapAddressDependent, MapAddressAndPortDependent} {
		for _, f := range []Filtering{FilterEndpointIndependent, FilterAddressDependent, FilterAddressAndPortDependent} {
			names[rfc3489(m, f)]++
		}
	}
	assert.Equal(t, map[string]int{"full cone": 1, "restricted cone": 1, "port restricted cone": 1, "symmetric": 1, "": 5}, names)
	assert.Equal(t, "symmetric", rfc3489(MapAddressAndPortDependent, FilterAddressAndPortDependent))
	assert.Equal(t, "restricted cone", rfc3489(MapEndpointIndependent, FilterAddressDependent))
}

func TestMappingOf(t *testing.T) {
	o := func(ports ...string) []Observation {
		var all []Observation
		for _, p := range ports {
			all = append(all, Observation{Observed: at("198.18.7.2:" + p)})
		}
		return all
	}
	assert.Equal(t, MapEndpointIndependent, mappingOf(o("1", "1", "1")))
	assert.Equal(t, MapAddressDependent, mappingOf(o("1", "2", "2")))
	assert.Equal(t, MapAddressAndPortDependent, mappingOf(o("1", "2", "3")))
}

func TestPortsOf(t *testing.T) {
	for want, outside := range map[Ports][]uint16{
		PortsPreserved:    {4000, 4001, 4002},
		PortsPartly:       {4000, 4001, 50000},
		PortsSequential:   {1024, 1025, 1030},
		PortsNotPreserved: {1024, 1030, 1025},
	} {
		var all []mapped
		for i, port := range outside {
			all = append(all, mapped{
				netip.AddrPortFrom(netip.MustParseAddr("10.7.1.10"), uint16(4000+i)),
				netip.AddrPortFrom(netip.MustParseAddr("198.18.7.2"), port),
			})
		}
		assert.Equal(t, want, portsOf(all))
	}
}

func TestNewServer(t *testing.T) {
	s, err := newServer(at("198.18.7.10:3478"), at("198.19.7.10:3479"))
	require.NoError(t, err)
	assert.Equal(t, []netip.AddrPort{at("198.18.7.10:3478"), at("198.19.7.10:3478"), at("198.19.7.10:3479")}, s.observers())
	assert.Equal(t, at("198.19.7.10:3479"), s.after(changeBoth))
	assert.Equal(t, at("198.18.7.10:3479"), s.after(changePort))
	assert.Equal(t, at("198.19.7.10:3478"), s.after(stunserver.ChangeRequest{Addr: true}))

	_, err = newServer(at("198.18.7.10:3478"), netip.AddrPort{})
	assert.EqualError(t, err, "198.18.7.10:3478 has no second address (no OTHER-ADDRESS in its answer), so it cannot tell mapping and filtering; start it as: server stun --primary 198.18.7.10:3478 --alternate IP:PORT")
	for _, useless := range []string{"198.18.7.10:3479", "198.19.7.10:3478", "0.0.0.0:3479", "198.19.7.10:0", "[2001:db8::1]:3479"} {
		_, err = newServer(at("198.18.7.10:3478"), at(useless))
		assert.ErrorContains(t, err, "198.18.7.10:3478 tells of the other address "+useless)
	}
}

func TestPace(t *testing.T) {
	assert.Equal(t, 7500*time.Millisecond, positive.total())
	const ms = time.Millisecond
	assert.Equal(t, pace{200 * ms, 200 * ms, 250 * ms}, negative(600*ms, 25*ms))
	assert.Equal(t, pace{50 * ms}, negative(50*ms, 0))
	assert.Len(t, negative(2*time.Second, 0), 10)
}

// Whatever a server answers, what is taken from it is an address, or an error.
func FuzzRead(f *testing.F) {
	for _, set := range [][]stun.Setter{
		{stun.BindingSuccess, &stun.XORMappedAddress{IP: []byte{198, 18, 7, 2}, Port: 4000}, &stun.OtherAddress{IP: []byte{198, 19, 7, 10}, Port: 3479}},
		{stun.BindingError, stun.CodeUnknownAttribute, stun.UnknownAttributes{stun.AttrChangeRequest}},
		{stun.BindingSuccess, stun.RawAttribute{Type: stun.AttrXORMappedAddress, Value: []byte{0, 1, 0, 0, 1}}},
		{stun.BindingRequest},
	} {
		f.Add(stun.MustBuild(append([]stun.Setter{stun.TransactionID}, set...)...).Raw)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in := newInbox()
		m := &stun.Message{Raw: b}
		if m.Decode() != nil {
			in.deliver(b, netip.AddrPort{}, netip.AddrPort{})
			return
		}
		messages, forget := in.expect(m.TransactionID)
		defer forget()
		in.deliver(b, at("10.7.1.10:4000"), at("198.18.7.10:3478"))
		select {
		case p := <-messages:
			r, err := p.read()
			if err == nil {
				require.True(t, r.observed.IsValid())
			}
		default:
			_, err := stunserver.Parse(b)
			require.Error(t, err)
		}
	})
}
