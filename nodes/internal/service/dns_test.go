package service

import (
	"io"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/crosslan/crosslan/nodes/internal/names"
)

// dnsQuery is a query for the address of web.example.
func dnsQuery(t *testing.T) []byte {
	t.Helper()
	b, err := (&dnsmessage.Message{Header: dnsmessage.Header{ID: 7}, Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName("web.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
	}}).Pack()
	require.NoError(t, err)
	return b
}

// serveDNS runs the service with the record web.example=10.45.2.10.
func serveDNS(t *testing.T) *running {
	t.Helper()
	s, found := All.Lookup("dns")
	require.True(t, found)
	assert.EqualValues(t, 53, s.Port)
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	handlers := All.handlers(flags)
	require.NoError(t, flags.Parse([]string{"--record", "web.example=10.45.2.10"}))
	specs, err := All.parse([]string{"dns=127.0.0.1:0"}, handlers)
	require.NoError(t, err)
	return runSpecs(t, Options{}, specs)
}

func requireAddress(t *testing.T, answer []byte) {
	t.Helper()
	text, ok := names.Describe(answer)
	require.True(t, ok)
	assert.Equal(t, "answer A web.example. NOERROR 10.45.2.10", text)
}

func TestDNSByDatagram(t *testing.T) {
	r := serveDNS(t)
	c := r.dial(t, "dns udp")
	for range 2 {
		_, err := c.Write(dnsQuery(t))
		require.NoError(t, err)
		b := make([]byte, names.MaxUDP)
		n, err := c.Read(b)
		require.NoError(t, err)
		requireAddress(t, b[:n])
		_, err = c.Write([]byte("no query")) // passed over
		require.NoError(t, err)
	}
	r.log.Wait(t, "question   A web.example. NOERROR 10.45.2.10\n")
}

// Queries may come merged, and in pieces.
func TestDNSByStream(t *testing.T) {
	r := serveDNS(t)
	query := names.Prefix(dnsQuery(t))
	c := r.dial(t, "dns tcp")
	two := append(append([]byte{}, query...), query...)
	for _, b := range [][]byte{two[:1], two[1:5], two[5 : len(query)+7], two[len(query)+7:]} {
		_, err := c.Write(b)
		require.NoError(t, err)
	}
	for range 2 {
		b, err := names.ReadPrefixed(c)
		require.NoError(t, err)
		requireAddress(t, b)
	}
	_, err := c.Write(names.Prefix([]byte("no query")))
	require.NoError(t, err)
	_, err = names.ReadPrefixed(c)
	require.ErrorIs(t, err, io.EOF)
	r.log.Wait(t, " not a DNS query\n")
}

func TestDNSWithoutRecords(t *testing.T) {
	_, err := All.parse([]string{"dns"}, All.handlers(pflag.NewFlagSet("", pflag.ContinueOnError)))
	assert.EqualError(t, err, "dns: which names? Write server dns --record web.example=10.1.1.10")
}
