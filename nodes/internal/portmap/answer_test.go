package portmap

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

func TestPMPGivesAddressAndPort(t *testing.T) {
	s, k, _ := fakeServer()
	assert.Equal(t, outside, sendPMP(t, s, hostA, pmpRequest{opcode: pmpAddress}).address)

	a := sendPMP(t, s, hostA, pmpRequest{opcode: pmpUDP, inside: 50007, outside: 8080, lifetime: 60})
	assert.Equal(t, pmpResponse{opcode: pmpUDP, inside: 50007, outside: 8080, lifetime: 60}, a)
	a = sendPMP(t, s, hostA2, pmpRequest{opcode: pmpUDP, inside: 50007, outside: 8080, lifetime: 60})
	assert.EqualValues(t, 50007, a.outside, "another than the one that is taken")
	assert.Equal(t, []string{"udp:198.18.16.2:8080=10.16.1.10:50007", "udp:198.18.16.2:50007=10.16.1.11:50007"}, k.forwards())

	sendPMP(t, s, hostA, pmpRequest{opcode: pmpTCP, inside: 1, lifetime: 60})
	a = sendPMP(t, s, hostA, pmpRequest{opcode: pmpUDP, lifetime: 0})
	assert.Equal(t, pmpResponse{opcode: pmpUDP}, a, "port 0 deletes all of the protocol (RFC 6886, section 3.4)")
	a = sendPMP(t, s, hostA, pmpRequest{opcode: pmpUDP, inside: 50007})
	assert.EqualValues(t, pmpSuccess, a.result, "what is not there counts as deleted")
	assert.Len(t, k.forwards(), 2, "the neighbour's, and the one of TCP")
}

func TestPMPRefuses(t *testing.T) {
	s, k, _ := fakeServer()
	k.static(t, "tcp:198.18.16.2:8080=10.16.1.10:80")
	assert.EqualValues(t, pmpUnsupportedOpcode, sendPMP(t, s, hostA, pmpRequest{opcode: 3}).result)
	assert.EqualValues(t, pmpNotAuthorized, sendPMP(t, s, hostA, pmpRequest{opcode: pmpTCP, inside: 80}).result)
	assert.EqualValues(t, pmpNotAuthorized, sendPMP(t, s, hostA, pmpRequest{opcode: pmpTCP, lifetime: 60}).result)
	for i := range mostPerHost {
		sendPMP(t, s, hostA, pmpRequest{opcode: pmpTCP, inside: uint16(2000 + i), lifetime: 60})
	}
	assert.EqualValues(t, pmpOutOfResources, sendPMP(t, s, hostA, pmpRequest{opcode: pmpTCP, inside: 50007, lifetime: 60}).result)
	k.setBroken(true)
	assert.EqualValues(t, pmpNetworkFailure, sendPMP(t, s, hostA, pmpRequest{opcode: pmpAddress}).result)
}

func TestPCPGivesAPort(t *testing.T) {
	s, k, _ := fakeServer()
	r := mapRequest(hostA)
	r.mapping.outside = 8080
	a := sendPCP(t, s, hostA, r)
	assert.EqualValues(t, pcpSuccess, a.result)
	assert.EqualValues(t, 60, a.lifetime)
	want := r.mapping
	want.address = outside
	assert.Equal(t, want, a.mapping)
	assert.Equal(t, []string{"tcp:198.18.16.2:8080=10.16.1.10:50007"}, k.forwards())

	other := r
	other.mapping.nonce = nonce{9}
	a = sendPCP(t, s, hostA, other)
	assert.EqualValues(t, pcpNotAuthorized, a.result, "another program's nonce")
	assert.EqualValues(t, 60, a.lifetime, "says how long the mapping is still there")
	other.lifetime = 0
	assert.EqualValues(t, pcpNotAuthorized, sendPCP(t, s, hostA, other).result)
	assert.EqualValues(t, pmpNotAuthorized, sendPMP(t, s, hostA, pmpRequest{opcode: pmpTCP, inside: 50007}).result, "nor by NAT-PMP")

	r.lifetime = 0
	assert.EqualValues(t, pcpSuccess, sendPCP(t, s, hostA, r).result)
	assert.Empty(t, k.forwards())
	assert.EqualValues(t, pcpSuccess, sendPCP(t, s, hostA, r).result, "twice is no error")
}

func TestPCPAnnounce(t *testing.T) {
	s, _, _ := fakeServer()
	a := sendPCP(t, s, hostA, pcpRequest{opcode: pcpAnnounce, client: hostA})
	assert.Equal(t, pcpResponse{opcode: pcpAnnounce}, a)
}

func TestPCPRefuses(t *testing.T) {
	change := func(f func(*pcpRequest)) []byte {
		r := mapRequest(hostA)
		f(&r)
		return r.append(nil)
	}
	for name, c := range map[string]struct {
		message []byte
		want    uint8
	}{
		"version 1":            {[]byte{1, pcpMap}, pcpUnsuppVersion},
		"cut off":              {change(func(*pcpRequest) {})[:pcpHeader+8], pcpMalformedRequest},
		"half a word":          {append(change(func(*pcpRequest) {}), 0), pcpMalformedRequest},
		"too long":             {append(change(func(*pcpRequest) {}), make([]byte, pcpLargest)...), pcpMalformedRequest},
		"an opcode":            {change(func(r *pcpRequest) { r.opcode = 99 }), pcpUnsuppOpcode},
		"behind another NAT":   {change(func(r *pcpRequest) { r.client = hostA2 }), pcpAddressMismatch},
		"for another host":     {change(func(r *pcpRequest) { r.options = []pcpOption{thirdParty(hostA2)} }), pcpUnsuppOption},
		"a filter":             {change(func(r *pcpRequest) { r.options = []pcpOption{{3, make([]byte, 20)}} }), pcpUnsuppOption},
		"an option's length":   {append(change(func(*pcpRequest) {}), pcpPreferFailure, 0, 0, 9), pcpMalformedOption},
		"an option twice":      {change(func(r *pcpRequest) { r.options = []pcpOption{{code: 2}, {code: 2}} }), pcpMalformedOption},
		"SCTP":                 {change(func(r *pcpRequest) { r.mapping.protocol = 132 }), pcpUnsuppProtocol},
		"all ports":            {change(func(r *pcpRequest) { r.mapping.inside = 0 }), pcpUnsuppProtocol},
		"no protocol":          {change(func(r *pcpRequest) { r.mapping.protocol = 0 }), pcpMalformedRequest},
		"exactly a low port":   {change(func(r *pcpRequest) { r.mapping.outside, r.options = 80, []pcpOption{{code: 2}} }), pcpCannotProvide},
		"exactly a taken port": {change(func(r *pcpRequest) { r.mapping.outside, r.options = 9000, []pcpOption{{code: 2}} }), pcpCannotProvide},
	} {
		t.Run(name, func(t *testing.T) {
			s, k, log := fakeServer()
			k.static(t, "tcp:198.18.16.2:9000=10.16.1.11:80")
			b, err := s.answer(c.message, netip.AddrPortFrom(hostA, 40000))
			require.NoError(t, err)
			assert.LessOrEqual(t, len(b), pcpLargest)
			a, err := parsePCPResponse(b)
			require.NoError(t, err)
			assert.Equal(t, c.want, a.result)
			assert.NotZero(t, a.lifetime, "how long the error will last")
			assert.Len(t, k.forwards(), 1)
			assert.Contains(t, log.String(), "refused    10.16.1.10:40000 by pcp: "+pcpResults[c.want].name)
		})
	}
}

func TestPCPIgnoresOptionsThatItMay(t *testing.T) {
	s, _, _ := fakeServer()
	r := mapRequest(hostA)
	r.options = []pcpOption{{200, []byte{1}}}
	assert.EqualValues(t, pcpSuccess, sendPCP(t, s, hostA, r).result)
}

func TestPCPRunsOut(t *testing.T) {
	s, k, _ := fakeServer()
	for host := byte(20); len(s.leases.all) < mostLeases; host++ {
		for i := range mostPerHost {
			a := netip.AddrFrom4([4]byte{10, 16, 1, host})
			s.leases.all = append(s.leases.all, lease{Forward: nat.Forward{Protocol: nat.TCP, Inside: netip.AddrPortFrom(a, uint16(i+1))}})
		}
	}
	assert.EqualValues(t, pcpNoResources, sendPCP(t, s, hostA, mapRequest(hostA)).result)
	full := netip.MustParseAddr("10.16.1.20")
	assert.EqualValues(t, pcpUserExQuota, sendPCP(t, s, full, mapRequest(full)).result)
	k.setBroken(true)
	assert.EqualValues(t, pcpNetworkFailure, sendPCP(t, s, hostA, mapRequest(hostA)).result)
}

func TestWhatIsNotAnswered(t *testing.T) {
	s, k, _ := fakeServer()
	for name, c := range map[string]struct {
		from string
		b    []byte
	}{
		"nothing":             {"10.16.1.10:1", nil},
		"one byte":            {"10.16.1.10:1", []byte{0}},
		"an answer":           {"10.16.1.10:1", pmpResponse{opcode: pmpTCP}.append(nil)},
		"an answer of PCP":    {"10.16.1.10:1", pcpResponse{opcode: pcpMap}.append(nil)},
		"half a mapping":      {"10.16.1.10:1", pmpRequest{opcode: pmpTCP}.append(nil)[:11]},
		"from outside":        {"198.18.16.10:1", pmpRequest{opcode: pmpAddress}.append(nil)},
		"from the router":     {"10.16.1.1:1", pmpRequest{opcode: pmpAddress}.append(nil)},
		"PCP from outside":    {"198.18.16.10:1", mapRequest(netip.MustParseAddr("198.18.16.10")).append(nil)},
		"too much for NATPMP": {"10.16.1.10:1", append(pmpRequest{opcode: pmpAddress}.append(nil), 0)},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := s.answer(c.b, netip.MustParseAddrPort(c.from))
			require.Error(t, err)
			assert.Empty(t, b)
			assert.Empty(t, k.forwards())
		})
	}
}
