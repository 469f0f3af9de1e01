package portmap

import (
	"bytes"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nat"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

var (
	hostA   = netip.MustParseAddr("10.16.1.10")
	hostA2  = netip.MustParseAddr("10.16.1.11")
	outside = netip.MustParseAddr("198.18.16.2")
	inside  = netip.MustParsePrefix("10.16.1.1/24")
)

// fakeKernel keeps a NAT's Config.
type fakeKernel struct {
	mu     sync.Mutex
	config nat.Config
	broken bool
}

func (k *fakeKernel) setBroken(is bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.broken = is
}

var errBroken = errors.New("broken")

func (k *fakeKernel) Show() (nat.State, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken {
		return nat.State{}, errBroken
	}
	s := nat.State{Config: k.config, Mappings: []nat.Entry{}}
	for _, f := range k.config.Forwards {
		s.Mappings = append(s.Mappings, nat.Entry{Protocol: f.Protocol, Inside: f.Inside, Outside: f.Outside, Forward: true})
	}
	return s, nil
}

func (k *fakeKernel) Apply(c nat.Config) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken {
		return false, errBroken
	}
	k.config = c
	return true, nil
}

// fakeServer is a server without sockets.
func fakeServer() (*Server, *fakeKernel, *bytes.Buffer) {
	var log bytes.Buffer
	j := &journal{events: node.NewEvents(&log, node.Text)}
	k := &fakeKernel{config: nat.Config{OutsideAddrs: []netip.Addr{outside}}}
	s := &Server{config: Config{Inside: []netip.Prefix{inside}}, leases: newLeases(k, firstPort, j), journal: j}
	return s, k, &log
}

// static gives the NAT a forward of its owner's.
func (k *fakeKernel) static(t *testing.T, s string) nat.Forward {
	t.Helper()
	f, err := nat.ParseForward(s)
	require.NoError(t, err)
	k.config.Forwards = append(k.config.Forwards, f)
	return f
}

func (k *fakeKernel) forwards() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := []string{}
	for _, f := range k.config.Forwards {
		all = append(all, f.String())
	}
	return all
}

// sendPMP sends a request of NAT-PMP and returns the answer.
func sendPMP(t *testing.T, s *Server, host netip.Addr, r pmpRequest) pmpResponse {
	t.Helper()
	b, err := s.answer(r.append(nil), netip.AddrPortFrom(host, 40000))
	require.NoError(t, err)
	a, err := parsePMPResponse(b)
	require.NoError(t, err)
	assert.Equal(t, r.opcode, a.opcode)
	return a
}

// mapRequest asks for TCP port 50007.
func mapRequest(host netip.Addr) pcpRequest {
	return pcpRequest{opcode: pcpMap, lifetime: 60, client: host, mapping: pcpMapping{
		nonce: nonce{1, 2, 3}, protocol: uint8(nat.TCP), inside: 50007, address: netip.IPv6Unspecified(),
	}}
}

func sendPCP(t *testing.T, s *Server, host netip.Addr, r pcpRequest) pcpResponse {
	t.Helper()
	return sendRaw(t, s, host, r.append(nil))
}

func sendRaw(t *testing.T, s *Server, host netip.Addr, b []byte) pcpResponse {
	t.Helper()
	b, err := s.answer(b, netip.AddrPortFrom(host, 40000))
	require.NoError(t, err)
	a, err := parsePCPResponse(b)
	require.NoError(t, err)
	return a
}

func wishFor(host netip.Addr, port uint16) wish {
	return wish{protocol: nat.TCP, inside: netip.AddrPortFrom(host, port), lifetime: time.Minute}
}
