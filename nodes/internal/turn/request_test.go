package turn

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raw is an attribute as it is.
func raw(t stun.AttrType, v ...byte) stun.Setter { return stun.RawAttribute{Type: t, Value: v} }

var (
	udpTransport = raw(stun.AttrRequestedTransport, 17, 0, 0, 0)
	somebody     = peer(netip.MustParseAddrPort("198.18.13.1:9"))
)

// codeOf is the code of an error response, or 0 for a success.
func codeOf(tb testing.TB, m *stun.Message) int {
	tb.Helper()
	if m.Type.Class == stun.ClassSuccessResponse {
		return 0
	}
	var code stun.ErrorCodeAttribute
	require.NoError(tb, code.GetFrom(m))
	return int(code.Code)
}

// challenged is a client that has been told a realm and a nonce.
func (s *testServer) challenged(tb testing.TB, c ClientConfig) *Client {
	tb.Helper()
	cl := s.client(tb, c)
	m, err := cl.transact(tb.Context(), request0(stun.MethodAllocate, udpTransport))
	require.NoError(tb, err)
	require.Equal(tb, 401, codeOf(tb, m))
	require.NoError(tb, cl.challenge(m))
	return cl
}

// request0 are the parts of a request without credentials.
func request0(method stun.Method, set ...stun.Setter) []stun.Setter {
	return append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, set...)
}

// RFC 8489 section 9.2.4: what a wrong credential is answered with.
func TestCredentials(t *testing.T) {
	both(t, func(t *testing.T, tcp bool) {
		config := testConfig(t)
		config.Users.SetSecret("north")
		s := startServer(t, config)
		past, future := "1000000000:carol", "4000000000:carol"
		alice := stun.NewLongTermIntegrity("alice", DefaultRealm, "wonderland")
		for name, tt := range map[string]struct {
			set  func(c *Client) []stun.Setter
			want int
		}{
			"right": {func(c *Client) []stun.Setter {
				return []stun.Setter{stun.NewUsername("alice"), c.realm, c.nonce, alice}
			}, 0},
			"nobody": {func(c *Client) []stun.Setter {
				return []stun.Setter{stun.NewUsername("nobody"), c.realm, c.nonce, alice}
			}, 401},
			"wrong password": {func(c *Client) []stun.Setter { return []stun.Setter{stun.NewUsername("bob"), c.realm, c.nonce, alice} }, 401},
			"another realm": {func(c *Client) []stun.Setter {
				return []stun.Setter{stun.NewUsername("alice"), stun.NewRealm("elsewhere"), c.nonce, stun.NewLongTermIntegrity("alice", "elsewhere", "wonderland")}
			}, 401},
			"a made-up nonce": {func(c *Client) []stun.Setter {
				return []stun.Setter{stun.NewUsername("alice"), c.realm, stun.NewNonce("0123456789abcdef0123456789abcdef01234567"), alice}
			}, 438},
			"an old nonce": {func(c *Client) []stun.Setter {
				old := s.nonces.make(c.LocalAddr(), time.Now().Add(-nonceLifetime-time.Second))
				return []stun.Setter{stun.NewUsername("alice"), c.realm, stun.NewNonce(old), alice}
			}, 438},
			"somebody else's nonce": {func(c *Client) []stun.Setter {
				return []stun.Setter{stun.NewUsername("alice"), c.realm, s.challenged(t, s.as("alice", "", false)).nonce, alice}
			}, 438},
			"no username": {func(c *Client) []stun.Setter { return []stun.Setter{c.realm, c.nonce, alice} }, 400},
			"no realm":    {func(c *Client) []stun.Setter { return []stun.Setter{stun.NewUsername("alice"), c.nonce, alice} }, 400},
			"no nonce":    {func(c *Client) []stun.Setter { return []stun.Setter{stun.NewUsername("alice"), c.realm, alice} }, 400},
			"no integrity": {func(c *Client) []stun.Setter {
				return []stun.Setter{stun.NewUsername("alice"), c.realm, c.nonce}
			}, 401},
			"integrity cut off": {func(c *Client) []stun.Setter {
				return []stun.Setter{stun.NewUsername("alice"), c.realm, c.nonce, raw(stun.AttrMessageIntegrity, 1, 2, 3)}
			}, 401},
			"for some time": {func(c *Client) []stun.Setter {
				return []stun.Setter{stun.NewUsername(future), c.realm, c.nonce, stun.NewLongTermIntegrity(future, DefaultRealm, Password([]byte("north"), future))}
			}, 0},
			"for some time, over": {func(c *Client) []stun.Setter {
				return []stun.Setter{stun.NewUsername(past), c.realm, c.nonce, stun.NewLongTermIntegrity(past, DefaultRealm, Password([]byte("north"), past))}
			}, 401},
			"of another secret": {func(c *Client) []stun.Setter {
				return []stun.Setter{stun.NewUsername(future), c.realm, c.nonce, stun.NewLongTermIntegrity(future, DefaultRealm, Password([]byte("south"), future))}
			}, 401},
		} {
			t.Run(name, func(t *testing.T) {
				c := s.challenged(t, s.as("alice", "wonderland", tcp))
				m, err := c.transact(t.Context(), request0(stun.MethodAllocate, append([]stun.Setter{udpTransport}, tt.set(c)...)...))
				require.NoError(t, err)
				assert.Equal(t, tt.want, codeOf(t, m))
				// Who is told to try again is told how.
				assert.Equal(t, tt.want == 401 || tt.want == 438, m.Contains(stun.AttrNonce))
				assert.Equal(t, tt.want == 401 || tt.want == 438, m.Contains(stun.AttrRealm))
			})
		}
	})
}

// What an authentic request may be refused for, and that the answer is signed.
func TestRefusals(t *testing.T) {
	config := testConfig(t)
	config.Peers.Rules = nil
	config.MaxPermissions = 3
	config.MaxPerUser = 40
	s := startServer(t, config)
	many := []stun.Setter{}
	for _, p := range []string{"198.18.13.1:9", "198.18.13.2:9", "198.18.13.3:9", "198.18.13.4:9"} {
		many = append(many, peer(netip.MustParseAddrPort(p)))
	}
	mustUnderstand := raw(0x7f01, 1, 2, 3, 4)
	for name, tt := range map[string]struct {
		allocated bool
		method    stun.Method
		set       []stun.Setter
		want      int
	}{
		"no transport":                {false, stun.MethodAllocate, nil, 400},
		"TCP to peers":                {false, stun.MethodAllocate, []stun.Setter{raw(stun.AttrRequestedTransport, 6, 0, 0, 0)}, 442},
		"a transport of two bytes":    {false, stun.MethodAllocate, []stun.Setter{raw(stun.AttrRequestedTransport, 17, 0)}, 400},
		"an unknown attribute":        {false, stun.MethodAllocate, []stun.Setter{udpTransport, mustUnderstand}, 420},
		"DONT-FRAGMENT":               {false, stun.MethodAllocate, []stun.Setter{udpTransport, raw(stun.AttrDontFragment)}, 420},
		"a family that is not here":   {false, stun.MethodAllocate, []stun.Setter{udpTransport, raw(stun.AttrRequestedAddressFamily, 2, 0, 0, 0)}, 440},
		"a family that is none":       {false, stun.MethodAllocate, []stun.Setter{udpTransport, raw(stun.AttrRequestedAddressFamily, 9, 0, 0, 0)}, 440},
		"no such reservation":         {false, stun.MethodAllocate, []stun.Setter{udpTransport, raw(stun.AttrReservationToken, 1, 2, 3, 4, 5, 6, 7, 8)}, 508},
		"an even port":                {false, stun.MethodAllocate, []stun.Setter{udpTransport, raw(stun.AttrEvenPort, 0x80)}, 0},
		"allocated already":           {true, stun.MethodAllocate, []stun.Setter{udpTransport}, 437},
		"refresh, no allocation":      {false, stun.MethodRefresh, nil, 437},
		"permission, no allocation":   {false, stun.MethodCreatePermission, []stun.Setter{somebody}, 437},
		"channel, no allocation":      {false, stun.MethodChannelBind, []stun.Setter{channelAttr(0x4000), somebody}, 437},
		"refresh of another family":   {true, stun.MethodRefresh, []stun.Setter{raw(stun.AttrRequestedAddressFamily, 2, 0, 0, 0)}, 443},
		"permission for nobody":       {true, stun.MethodCreatePermission, nil, 400},
		"permission, another family":  {true, stun.MethodCreatePermission, []stun.Setter{peer(netip.MustParseAddrPort("[2001:db8::1]:9"))}, 443},
		"permission, address cut off": {true, stun.MethodCreatePermission, []stun.Setter{raw(stun.AttrXORPeerAddress, 0, 1, 0, 0, 1, 2)}, 400},
		"permission, no such family":  {true, stun.MethodCreatePermission, []stun.Setter{raw(stun.AttrXORPeerAddress, 0, 3, 0, 0, 1, 2, 3, 4)}, 400},
		"permission, IPv4 in 16":      {true, stun.MethodCreatePermission, []stun.Setter{raw(stun.AttrXORPeerAddress, 0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)}, 400},
		"permission, unknown":         {true, stun.MethodCreatePermission, []stun.Setter{somebody, mustUnderstand}, 420},
		"permissions, too many":       {true, stun.MethodCreatePermission, many, 508},
		"permissions, enough":         {true, stun.MethodCreatePermission, many[:3], 0},
		"channel without a number":    {true, stun.MethodChannelBind, []stun.Setter{somebody}, 400},
		"channel without a peer":      {true, stun.MethodChannelBind, []stun.Setter{channelAttr(0x4000)}, 400},
		"channel with two peers":      {true, stun.MethodChannelBind, []stun.Setter{channelAttr(0x4000), many[0], many[1]}, 400},
		"channel 0x3FFF":              {true, stun.MethodChannelBind, []stun.Setter{channelAttr(0x3FFF), somebody}, 400},
		"channel 0x8000":              {true, stun.MethodChannelBind, []stun.Setter{channelAttr(0x8000), somebody}, 400},
		"channel 0":                   {true, stun.MethodChannelBind, []stun.Setter{channelAttr(0), somebody}, 400},
		"channel 0x7FFF":              {true, stun.MethodChannelBind, []stun.Setter{channelAttr(0x7FFF), somebody}, 0},
		"channel to port 0":           {true, stun.MethodChannelBind, []stun.Setter{channelAttr(0x4000), peer(netip.MustParseAddrPort("198.18.13.1:0"))}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.challenged(t, s.as("alice", "wonderland", false))
			if tt.allocated {
				_, err := c.Allocate(t.Context(), 0)
				require.NoError(t, err)
			}
			m, err := c.transact(t.Context(), request0(tt.method, append(tt.set, stun.NewUsername("alice"), c.realm, c.nonce, c.key, stun.Fingerprint)...))
			require.NoError(t, err)
			assert.Equal(t, tt.want, codeOf(t, m))
			assert.NoError(t, c.key.Check(m), "the answer is signed")
			_ = c.Release(t.Context()) // where there is one
		})
	}
}

func TestQuotas(t *testing.T) {
	config := testConfig(t)
	config.MaxPerUser, config.MaxAllocations = 2, 3
	s := startServer(t, config)
	first, _ := s.alice(t, false)
	s.alice(t, true)
	third := s.client(t, s.as("alice", "wonderland", false))
	_, err := third.Allocate(t.Context(), 0)
	require.ErrorContains(t, err, "486")
	bob := s.client(t, s.as("bob", "builder", false))
	_, err = bob.Allocate(t.Context(), 0)
	require.NoError(t, err)
	another := s.client(t, s.as("bob", "builder", false))
	_, err = another.Allocate(t.Context(), 0)
	require.ErrorContains(t, err, "486", "in all")
	require.NoError(t, first.Release(t.Context()))
	_, err = third.Allocate(t.Context(), 0)
	require.NoError(t, err)
}

func TestPortsRunOut(t *testing.T) {
	config := testConfig(t)
	config.FirstPort, config.LastPort = 50991, 50991
	s := startServer(t, config)
	first, g := s.alice(t, false)
	assert.Equal(t, uint16(50991), g.Relayed.Port())
	second := s.client(t, s.as("alice", "wonderland", false))
	_, err := second.Allocate(t.Context(), 0)
	require.ErrorContains(t, err, "508")
	require.NoError(t, first.Release(t.Context()))
	_, err = second.Allocate(t.Context(), 0)
	require.NoError(t, err)
}

// A user's allocation is not another's, even from the same transport address.
func TestAnotherUsersAllocation(t *testing.T) {
	s := startServer(t, testConfig(t))
	c, _ := s.alice(t, false)
	c.config.User, c.config.Password = "bob", "builder"
	c.key = stun.NewLongTermIntegrity("bob", DefaultRealm, "builder")
	for _, err := range []error{
		c.Permit(t.Context(), netip.AddrPort(somebody)), c.Bind(t.Context(), 0x4000, netip.AddrPort(somebody)), c.Release(t.Context()),
	} {
		require.ErrorContains(t, err, "441")
	}
	s.stop()
	assert.NotContains(t, s.log.String(), "released")
}

// What was overheard is worth nothing from elsewhere, and changes nothing from there.
func TestReplay(t *testing.T) {
	s := startServer(t, testConfig(t))
	c := s.challenged(t, s.as("alice", "wonderland", false))
	m, err := stun.Build(request0(stun.MethodAllocate, udpTransport, stun.NewUsername("alice"), c.realm, c.nonce, c.key)...)
	require.NoError(t, err)
	first := exchange(t, c, m.Raw)
	assert.Equal(t, 0, codeOf(t, first))
	again := exchange(t, c, m.Raw)
	assert.Equal(t, first.Raw, again.Raw, "RFC 8656 section 7.2: the answer was lost, the allocation is the same")

	thief := s.client(t, s.as("", "", false))
	assert.Equal(t, 438, codeOf(t, exchange(t, thief, m.Raw)))
	s.table.mu.RLock()
	defer s.table.mu.RUnlock()
	assert.Len(t, s.table.relayed, 1)
}

// exchange sends a request as it is and returns the answer, past the client's reader.
func exchange(tb testing.TB, c *Client, b []byte) *stun.Message {
	tb.Helper()
	answer := make(chan result, 1)
	c.mu.Lock()
	c.waiting[[stun.TransactionIDSize]byte(b[8:stunHeader])] = answer
	c.mu.Unlock()
	_, err := c.conn.Write(b)
	require.NoError(tb, err)
	select {
	case r := <-answer:
		require.NoError(tb, r.err)
		return r.m
	case <-time.After(patience):
		tb.Fatal("no answer")
		return nil
	}
}

func TestUnauthenticatedSourcesAreAnsweredSeldom(t *testing.T) {
	config := testConfig(t)
	config.UnauthenticatedRate = 20
	s := startServer(t, config)
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.Addrs()[0]))
	require.NoError(t, err)
	defer c.Close()
	sent := 0
	for range 2000 {
		m, err := stun.Build(request0(stun.MethodAllocate)...)
		require.NoError(t, err)
		_, err = c.Write(m.Raw)
		require.NoError(t, err)
		sent += len(m.Raw)
	}
	got, answers, b := 0, 0, make([]byte, 1500)
	for {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
		n, err := c.Read(b)
		if err != nil {
			break
		}
		got += n
		answers++
	}
	assert.NotZero(t, answers)
	assert.Less(t, answers, 200, "of 2,000 questions")
	assert.Less(t, got, sent, "nobody is flooded by way of the relay")
}

func TestRateOfAnAllocation(t *testing.T) {
	config := testConfig(t)
	config.Rate = 20_000
	s := startServer(t, config)
	c, g := s.alice(t, false)
	h := newHost(t)
	require.NoError(t, c.Bind(t.Context(), 0x4000, h.at()))
	const size, count = 1000, 200
	for range count {
		_, err := c.Send(h.at(), make([]byte, size))
		require.NoError(t, err)
		h.send(g.Relayed, string(make([]byte, size)))
	}
	require.NoError(t, c.Release(t.Context()))
	s.log.Wait(t, "released by the client")
	a := s.log.String()
	assert.NotContains(t, a, "200 datagrams")
	assert.NotContains(t, a, " 0 dropped")
}
