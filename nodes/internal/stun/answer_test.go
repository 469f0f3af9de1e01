package stun

import (
	"net/netip"
	"testing"

	"github.com/pion/stun/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	two = Config{
		Primary:   netip.MustParseAddrPort("198.18.7.10:3478"),
		Alternate: netip.MustParseAddrPort("198.19.7.10:3479"),
	}
	one   = Config{Primary: netip.MustParseAddrPort("0.0.0.0:3478")}
	asker = netip.MustParseAddrPort("198.18.7.2:40112")
)

// build makes a message of setters.
func build(set ...stun.Setter) []byte {
	return stun.MustBuild(append([]stun.Setter{stun.TransactionID}, set...)...).Raw
}

// parsed reads what the server sends.
func parsed(tb testing.TB, b []byte) *stun.Message {
	tb.Helper()
	m, err := Parse(b)
	require.NoError(tb, err)
	return m
}

func TestAnswerTellsTheObservedAddress(t *testing.T) {
	for _, from := range []string{"198.18.7.2:40112", "[2001:db8:7:1::a]:65535"} {
		raw := build(stun.BindingRequest)
		a, err := one.answer(question{raw: raw, from: netip.MustParseAddrPort(from)})
		require.NoError(t, err)
		m := parsed(t, a.message)
		assert.Equal(t, stun.BindingSuccess, m.Type)
		assert.Equal(t, raw[8:HeaderSize], m.TransactionID[:])
		observed, err := Mapped(m)
		require.NoError(t, err)
		assert.Equal(t, from, observed.String())
		var plain stun.MappedAddress
		require.NoError(t, plain.GetFrom(m))
		assert.Equal(t, from, plain.String())
		assert.Equal(t, from, a.to.String())
		for _, absent := range []stun.AttrType{stun.AttrOtherAddress, stun.AttrResponseOrigin, stun.AttrFingerprint} {
			assert.False(t, m.Contains(absent), absent)
		}
		var s stun.Software
		require.NoError(t, s.GetFrom(m))
		assert.Equal(t, "crosslan", s.String())
	}
}

// RFC 5780 section 6.1, table 1: where the answer comes from, and what the other address
// is, for each place and each change.
func TestAnswerComesFromElsewhere(t *testing.T) {
	const a1p1, a1p2, a2p1, a2p2 = "198.18.7.10:3478", "198.18.7.10:3479", "198.19.7.10:3478", "198.19.7.10:3479"
	for _, tt := range []struct {
		at                             spot
		plain, port, addr, both, other string
	}{
		{spot{0, 0}, a1p1, a1p2, a2p1, a2p2, a2p2},
		{spot{0, 1}, a1p2, a1p1, a2p2, a2p1, a2p1},
		{spot{1, 0}, a2p1, a2p2, a1p1, a1p2, a1p2},
		{spot{1, 1}, a2p2, a2p1, a1p2, a1p1, a1p1},
	} {
		for change, want := range map[ChangeRequest]string{
			{}:                       tt.plain,
			{Port: true}:             tt.port,
			{Addr: true}:             tt.addr,
			{Addr: true, Port: true}: tt.both,
		} {
			a, err := two.answer(question{raw: build(stun.BindingRequest, change), at: tt.at, from: asker})
			require.NoError(t, err)
			m := parsed(t, a.message)
			var origin stun.ResponseOrigin
			require.NoError(t, origin.GetFrom(m))
			assert.Equal(t, want, origin.String())
			assert.Equal(t, want, two.at(a.from).String())
			other, err := Other(m)
			require.NoError(t, err)
			assert.Equal(t, tt.other, other.String())
		}
	}
}

func TestAnswerToAnotherPort(t *testing.T) {
	a, err := two.answer(question{raw: build(stun.BindingRequest, ResponsePort(50123)), from: asker})
	require.NoError(t, err)
	assert.Equal(t, "198.18.7.2:50123", a.to.String())
	observed, err := Mapped(parsed(t, a.message))
	require.NoError(t, err)
	assert.Equal(t, asker, observed, "of who asks")
}

func TestPaddingComesBackAsLongAsItCame(t *testing.T) {
	a, err := two.answer(question{raw: build(stun.BindingRequest, padding(1499)), from: asker})
	require.NoError(t, err)
	v, err := parsed(t, a.message).Get(stun.AttrPadding)
	require.NoError(t, err)
	assert.Len(t, v, 1499)
}

func padding(n int) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrPadding, Value: make([]byte, n)}
}

func TestFingerprintIsAnsweredWithOne(t *testing.T) {
	a, err := two.answer(question{raw: build(stun.BindingRequest, stun.Fingerprint), from: asker})
	require.NoError(t, err)
	assert.NoError(t, stun.Fingerprint.Check(parsed(t, a.message)))
}

func raw(t stun.AttrType, v ...byte) stun.Setter { return stun.RawAttribute{Type: t, Value: v} }

func TestRefusals(t *testing.T) {
	both := ChangeRequest{Addr: true, Port: true}
	for name, tt := range map[string]struct {
		config  Config
		set     []stun.Setter
		stream  bool
		refusal string
		unknown stun.UnknownAttributes
	}{
		"unknown attributes": {two, []stun.Setter{raw(0x7ffe), raw(stun.AttrPriority, 0, 0, 0, 1), both}, false,
			"420 0x7ffe, PRIORITY", stun.UnknownAttributes{0x7ffe, stun.AttrPriority}},
		"one address":         {one, []stun.Setter{both}, false, "420 0x3", stun.UnknownAttributes{stun.AttrChangeRequest}},
		"short change":        {two, []stun.Setter{raw(stun.AttrChangeRequest, 0, 6)}, false, "400 CHANGE-REQUEST of 2 bytes", nil},
		"short port":          {two, []stun.Setter{raw(stun.AttrResponsePort, 6)}, false, "400 RESPONSE-PORT of 1 bytes", nil},
		"port 0":              {two, []stun.Setter{ResponsePort(0)}, false, "400 RESPONSE-PORT 0", nil},
		"padding and port":    {two, []stun.Setter{padding(8), ResponsePort(9)}, false, "400 PADDING beside RESPONSE-PORT", nil},
		"padding of 64 KB":    {two, []stun.Setter{padding(65000)}, true, "400 PADDING of 65000 bytes", nil},
		"another port on TCP": {two, []stun.Setter{ResponsePort(9)}, true, "400 RESPONSE-PORT over TCP", nil},
	} {
		t.Run(name, func(t *testing.T) {
			raw := build(append([]stun.Setter{stun.BindingRequest}, tt.set...)...)
			at := spot{}
			a, err := tt.config.answer(question{raw: raw, at: at, from: asker, stream: tt.stream})
			require.NoError(t, err)
			assert.Equal(t, tt.refusal, a.refusal)
			assert.Equal(t, at, a.from)
			assert.Equal(t, asker, a.to)
			m := parsed(t, a.message)
			assert.Equal(t, stun.BindingError, m.Type)
			var code stun.ErrorCodeAttribute
			require.NoError(t, code.GetFrom(m))
			assert.Equal(t, tt.refusal[:3], code.String()[:3])
			var unknown stun.UnknownAttributes
			if tt.unknown != nil {
				require.NoError(t, unknown.GetFrom(m))
			}
			assert.Equal(t, tt.unknown, unknown)
		})
	}
}

// What is known, or may be ignored, is no reason to refuse.
func TestNotRefused(t *testing.T) {
	for name, set := range map[string][]stun.Setter{
		"optional":             {raw(0xfffe, 1, 2, 3)},
		"credentials":          {stun.NewUsername("a"), stun.NewRealm("b"), stun.NewNonce("c"), stun.NewShortTermIntegrity("d")},
		"response port of 4":   {raw(stun.AttrResponsePort, 4, 0, 0, 0)},
		"nothing to change":    {ChangeRequest{}},
		"after the integrity":  {stun.NewShortTermIntegrity("d"), raw(0x7ffe), ResponsePort(0)},
		"twice, the first one": {ResponsePort(1024), ResponsePort(0)},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := two.answer(question{raw: build(append([]stun.Setter{stun.BindingRequest}, set...)...), from: asker})
			require.NoError(t, err)
			assert.Empty(t, a.refusal)
		})
	}
}

func TestSilence(t *testing.T) {
	good := build(stun.BindingRequest)
	change := func(i int, v byte) []byte {
		b := append([]byte(nil), good...)
		b[i] = v
		return b
	}
	wrongPrint := build(stun.BindingRequest, stun.Fingerprint)
	wrongPrint[len(wrongPrint)-1] ^= 1
	notLast := build(stun.BindingRequest, stun.Fingerprint, stun.NewSoftware("x"))
	for name, tt := range map[string]struct {
		raw  []byte
		want error
	}{
		"empty":                     {nil, errMalformed},
		"a byte short":              {good[:19], errMalformed},
		"a byte more":               {append(append([]byte(nil), good...), 0), errMalformed},
		"wrong cookie":              {change(4, 0), errMalformed},
		"first bits set":            {change(0, 0x40), errMalformed},
		"a length that is not":      {change(3, 4), errMalformed},
		"an odd length":             {append(change(3, 1), 0), errMalformed},
		"an attribute too long":     {append(change(3, 4), 0x80, 0x22, 0, 9), errMalformed},
		"a wrong fingerprint":       {wrongPrint, errMalformed},
		"a fingerprint in between":  {notLast, errMalformed},
		"a response":                {change(0, 1), errUnexpected},
		"an indication":             {change(1, 0x11), errUnexpected},
		"a method of TURN":          {change(1, 3), errUnexpected},
		"twenty letters, no cookie": {[]byte("abcdefghijklmnopqrst"), errMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := two.answer(question{raw: tt.raw, from: asker})
			assert.ErrorIs(t, err, tt.want)
		})
	}
}

// Whatever comes in, what goes out is a response to it, not longer than it by more than
// what a response has of its own, and comes from an address of the server.
func FuzzAnswer(f *testing.F) {
	for _, set := range [][]stun.Setter{
		{},
		{ChangeRequest{Addr: true, Port: true}, stun.Fingerprint},
		{ResponsePort(4000)},
		{padding(100)},
		{raw(0x7ffe), raw(0x7ffd)},
		{stun.NewUsername("a"), stun.NewShortTermIntegrity("d"), raw(0x7ffe)},
	} {
		f.Add(build(append([]stun.Setter{stun.BindingRequest}, set...)...), false)
	}
	f.Add([]byte("Hello, world"), true)
	const own = 200
	f.Fuzz(func(t *testing.T, b []byte, stream bool) {
		for _, c := range []Config{one, two} {
			a, err := c.answer(question{raw: b, from: asker, stream: stream})
			if err != nil {
				continue
			}
			m := parsed(t, a.message)
			require.Contains(t, []stun.MessageType{stun.BindingSuccess, stun.BindingError}, m.Type)
			require.Equal(t, b[8:HeaderSize], m.TransactionID[:])
			require.Equal(t, a.refusal == "", m.Type == stun.BindingSuccess)
			require.LessOrEqual(t, len(a.message), len(b)+own)
			require.Contains(t, c.spots(), a.from)
			require.Equal(t, asker.Addr(), a.to.Addr())
			require.NotZero(t, a.to.Port())
		}
	})
}
