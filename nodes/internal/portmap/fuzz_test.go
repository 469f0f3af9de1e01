package portmap

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzAnswer sends anything to the port of NAT-PMP and PCP. What is granted is for
// the host that asked, at a port that may be given.
func FuzzAnswer(f *testing.F) {
	f.Add(pmpRequest{opcode: pmpAddress}.append(nil))
	f.Add(pmpRequest{opcode: pmpTCP, inside: 1, outside: 80, lifetime: 9}.append(nil))
	f.Add(mapRequest(hostA).append(nil))
	r := mapRequest(hostA)
	r.options = []pcpOption{thirdParty(hostA2), {code: pcpPreferFailure}, {200, []byte{1, 2, 3}}}
	f.Add(r.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, k, _ := fakeServer()
		answer, err := s.answer(b, netip.AddrPortFrom(hostA, 40000))
		for _, fw := range k.config.Forwards {
			assert.Equal(t, hostA, fw.Inside.Addr())
			assert.GreaterOrEqual(t, fw.Outside.Port(), uint16(firstPort))
		}
		if err != nil {
			assert.Empty(t, answer)
			return
		}
		// The answer is one, and never asks for another: two servers cannot be made
		// to talk to each other.
		_, pmpErr := parsePMPResponse(answer)
		_, pcpErr := parsePCPResponse(answer)
		assert.True(t, pmpErr == nil || pcpErr == nil, "%x", answer)
		_, err = s.answer(answer, netip.AddrPortFrom(hostA2, Port))
		require.Error(t, err)
	})
}

func FuzzPCPRequest(f *testing.F) {
	f.Add(mapRequest(hostA).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parsePCPRequest(b)
		if err != nil {
			return
		}
		again, err := parsePCPRequest(r.append(nil))
		require.NoError(t, err)
		assert.Equal(t, r, again)
	})
}

func FuzzResponses(f *testing.F) {
	f.Add(pcpResponse{opcode: pcpMap, mapping: mapRequest(hostA).mapping}.append(nil))
	f.Add(pmpResponse{opcode: pmpTCP, inside: 1, outside: 2, lifetime: 3}.append(nil))
	f.Add(pmpResponse{opcode: pmpAddress, address: outside}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := parsePCPResponse(b); err == nil && r.result == pcpSuccess {
			again, err := parsePCPResponse(r.append(nil))
			require.NoError(t, err)
			assert.Equal(t, r, again)
		}
		if r, err := parsePMPResponse(b); err == nil && r.result == pmpSuccess {
			again, err := parsePMPResponse(r.append(nil))
			require.NoError(t, err)
			assert.Equal(t, r, again)
		}
	})
}

func FuzzSearch(f *testing.F) {
	f.Add(search(connectionType))
	f.Add([]byte("NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if target, err := parseSearch(b); err == nil {
			assert.NotEmpty(t, target)
		}
	})
}

func FuzzFound(f *testing.F) {
	f.Add(searchAnswer(connectionType, wanConnectionUUID, inside.Addr()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if u, ok := parseFound(b, inside.Addr()); ok {
			assert.Equal(t, inside.Addr(), netip.MustParseAddrPort(u.Host).Addr())
		}
	})
}

// FuzzAction performs anything that can be read as an action.
func FuzzAction(f *testing.F) {
	f.Add(call(connectionType, "GetExternalIPAddress", nil))
	f.Add(call(connectionType, "AddPortMapping", addArguments("10.16.1.10", "8080")))
	f.Add(fault(upnpRefused(upnpConflict)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, k, _ := fakeServer()
		d := &gatewayDevice{server: s}
		if a, err := parseAction(b); err == nil {
			_, _ = d.perform(a, netip.AddrPortFrom(hostA, 40000)) // what counts is what is granted
		}
		for _, fw := range k.config.Forwards {
			assert.Equal(t, hostA, fw.Inside.Addr())
			assert.GreaterOrEqual(t, fw.Outside.Port(), uint16(firstPort))
		}
	})
}

func FuzzDescription(f *testing.F) {
	f.Add([]byte(description))
	f.Fuzz(func(t *testing.T, b []byte) {
		if path, ok := controlOf(b); !ok {
			assert.Empty(t, path)
		}
	})
}
