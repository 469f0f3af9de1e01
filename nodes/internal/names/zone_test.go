package names

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

func zoneOf(tb testing.TB, records ...string) *Zone {
	tb.Helper()
	z := &Zone{}
	for _, r := range records {
		require.NoError(tb, z.Set(r))
	}
	return z
}

// ask returns a zone's answer to a question.
func ask(t *testing.T, z *Zone, name string, typ dnsmessage.Type, limit int) (Reply, dnsmessage.Message) {
	t.Helper()
	b, err := (&dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: typ, Class: dnsmessage.ClassINET}},
	}).Pack()
	require.NoError(t, err)
	r, ok := z.Answer(b, limit)
	require.True(t, ok)
	var m dnsmessage.Message
	require.NoError(t, m.Unpack(r.Message))
	assert.True(t, m.Response)
	assert.True(t, m.Authoritative)
	assert.True(t, m.RecursionDesired, "as in the query")
	assert.False(t, m.RecursionAvailable)
	assert.EqualValues(t, 7, m.ID)
	return r, m
}

func TestZone(t *testing.T) {
	z := zoneOf(t, "Web.example=10.45.2.10", "web.example=2001:db8:45:2::10", "web.example=10.45.2.11", "a_b=10.45.2.12")
	for _, tt := range []struct {
		name string
		typ  dnsmessage.Type
		want string
	}{
		{"web.example.", dnsmessage.TypeA, "A web.example. NOERROR 10.45.2.10 10.45.2.11"},
		{"WEB.Example.", dnsmessage.TypeA, "A WEB.Example. NOERROR 10.45.2.10 10.45.2.11"},
		{"web.example.", dnsmessage.TypeAAAA, "AAAA web.example. NOERROR 2001:db8:45:2::10"},
		{"web.example.", dnsmessage.TypeALL, "ALL web.example. NOERROR 10.45.2.10 2001:db8:45:2::10 10.45.2.11"},
		{"web.example.", dnsmessage.TypeMX, "MX web.example. NOERROR"},
		{"a_b.", dnsmessage.TypeA, "A a_b. NOERROR 10.45.2.12"},
		{"a_b.", dnsmessage.TypeAAAA, "AAAA a_b. NOERROR"},
		{"example.", dnsmessage.TypeA, "A example. NOERROR"},
		{"b.example.", dnsmessage.TypeA, "A b.example. NXDOMAIN"},
		{"b.web.example.", dnsmessage.TypeA, "A b.web.example. NXDOMAIN"},
		{"xample.", dnsmessage.TypeA, "A xample. NXDOMAIN"},
		{".", dnsmessage.TypeA, "A . NOERROR"},
	} {
		r, m := ask(t, z, tt.name, tt.typ, MaxUDP)
		assert.Equal(t, tt.want, r.Text)
		for _, a := range m.Answers {
			assert.Equal(t, tt.name, a.Header.Name.String(), "the name as it was asked for")
			assert.EqualValues(t, recordTTL, a.Header.TTL)
		}
	}
}

func TestWhatDoesNotFit(t *testing.T) {
	z := &Zone{}
	for i := range 100 {
		require.NoError(t, z.Set(fmt.Sprintf("big.example=10.45.3.%d", i)))
	}
	r, m := ask(t, z, "big.example.", dnsmessage.TypeA, MaxUDP)
	assert.True(t, m.Truncated)
	assert.LessOrEqual(t, len(r.Message), MaxUDP)
	assert.Greater(t, len(m.Answers), 20)
	assert.Contains(t, r.Text, "NOERROR 10.45.3.0 10.45.3.1 10.45.3.2 10.45.3.3 and ")
	assert.Contains(t, r.Text, " more (truncated)")

	_, m = ask(t, z, "big.example.", dnsmessage.TypeA, MaxTCP)
	assert.False(t, m.Truncated)
	assert.Len(t, m.Answers, 100)
}

func TestStrangeQueries(t *testing.T) {
	z := zoneOf(t, "web.example=10.45.2.10")
	question := dnsmessage.Question{Name: dnsmessage.MustNewName("web.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}
	chaos := question
	chaos.Class = dnsmessage.ClassCHAOS
	for name, tt := range map[string]struct {
		query dnsmessage.Message
		want  dnsmessage.RCode
	}{
		"an update":        {dnsmessage.Message{Header: dnsmessage.Header{OpCode: 5}}, dnsmessage.RCodeNotImplemented},
		"no question":      {dnsmessage.Message{}, dnsmessage.RCodeFormatError},
		"two questions":    {dnsmessage.Message{Questions: []dnsmessage.Question{question, question}}, dnsmessage.RCodeFormatError},
		"another class":    {dnsmessage.Message{Questions: []dnsmessage.Question{chaos}}, dnsmessage.RCodeRefused},
		"with EDNS, as it": {dnsmessage.Message{Questions: []dnsmessage.Question{question}, Additionals: []dnsmessage.Resource{edns(t)}}, dnsmessage.RCodeSuccess},
	} {
		b, err := tt.query.Pack()
		require.NoError(t, err)
		r, ok := z.Answer(b, MaxUDP)
		require.True(t, ok, name)
		var m dnsmessage.Message
		require.NoError(t, m.Unpack(r.Message))
		assert.Equal(t, tt.want, m.RCode, name)
	}
	b, err := (&dnsmessage.Message{Header: dnsmessage.Header{Response: true}}).Pack()
	require.NoError(t, err)
	for name, b := range map[string][]byte{"an answer": b, "too short": make([]byte, 11)} {
		_, ok := z.Answer(b, MaxUDP)
		assert.False(t, ok, name)
	}
	r, ok := z.Answer(append([]byte{0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, "half"...), MaxUDP)
	require.True(t, ok)
	assert.Equal(t, "FORMERR", r.Text)
}

func edns(t *testing.T) dnsmessage.Resource {
	t.Helper()
	r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(".")}, Body: &dnsmessage.OPTResource{}}
	require.NoError(t, r.Header.SetEDNS0(4096, 0, false))
	return r
}

func TestRecords(t *testing.T) {
	var z Zone
	for in, want := range map[string]string{
		"web.example":            "must be name=address, such as web.example=10.1.1.10",
		"web.example=10.1.1.300": `"10.1.1.300" is not an IP address`,
		"web.example=fe80::1%2":  `"fe80::1%2" is not an IP address`,
		"=10.1.1.1":              `"" is not a name`,
		"a..b=10.1.1.1":          `"a..b" is not a name: between dots are 1 to 63 characters`,
	} {
		assert.EqualError(t, z.Set(in), want)
	}
	assert.Zero(t, z.Len())
	require.NoError(t, z.Set("服务器.example=10.1.1.1"))
	assert.Contains(t, z.names, "xn--zfru1ggxt.example.")
	assert.Equal(t, "服务器.example=10.1.1.1", z.String())
}

func FuzzZone(f *testing.F) {
	z := zoneOf(f, "web.example=10.45.2.10", "web.example=2001:db8::1")
	b, err := (&dnsmessage.Message{Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName("web.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
	}}).Pack()
	require.NoError(f, err)
	f.Add(b)
	f.Add(make([]byte, 12))
	f.Fuzz(func(t *testing.T, query []byte) {
		r, ok := z.Answer(query, MaxUDP)
		if !ok {
			return
		}
		assert.LessOrEqual(t, len(r.Message), MaxUDP)
		var m dnsmessage.Message
		require.NoError(t, m.Unpack(r.Message))
		assert.True(t, m.Response)
		assert.Equal(t, query[:2], r.Message[:2], "the query's number")
	})
}
