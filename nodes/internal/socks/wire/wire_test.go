package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/rules"
)

func TestBytesOfTheRFCs(t *testing.T) {
	request := func(c Command, host string, port uint16) []byte {
		b, err := AppendRequest(nil, Request{Command: c, Address: addr.Remote{Host: host, Port: port}})
		require.NoError(t, err)
		return b
	}
	for name, c := range map[string]struct{ got, want string }{
		"greeting":            {string(AppendGreeting(nil, NoAuthentication, UsernamePassword)), "\x05\x02\x00\x02"},
		"choice":              {string(AppendMethod(nil, NoneAcceptable)), "\x05\xff"},
		"password":            {string(AppendPassword(nil, "ann", "secret")), "\x01\x03ann\x06secret"},
		"right":               {string(AppendPasswordStatus(nil, true)), "\x01\x00"},
		"wrong":               {string(AppendPasswordStatus(nil, false)), "\x01\x01"},
		"CONNECT to IPv4":     {string(request(Connect, "198.18.22.10", 50007)), "\x05\x01\x00\x01\xc6\x12\x16\x0a\xc3\x57"},
		"CONNECT to a name":   {string(request(Connect, "server", 80)), "\x05\x01\x00\x03\x06server\x00\x50"},
		"ASSOCIATE from IPv6": {string(request(Associate, "2001:db8::1", 0)), "\x05\x03\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00"},
		"reply":               {string(AppendReply(nil, Succeeded, netip.MustParseAddrPort("198.18.22.20:40000"))), "\x05\x00\x00\x01\xc6\x12\x16\x14\x9c\x40"},
		"refusal":             {string(AppendReply(nil, NotAllowed, netip.AddrPort{})), "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"},
	} {
		assert.Equal(t, c.want, c.got, name)
	}
	b, err := AppendDatagram(nil, Datagram{Address: addr.Remote{Host: "198.18.22.10", Port: 7}, Payload: []byte("hi")})
	require.NoError(t, err)
	assert.Equal(t, "\x00\x00\x00\x01\xc6\x12\x16\x0a\x00\x07hi", string(b))
}

func TestWhatIsNoMessage(t *testing.T) {
	long := strings.Repeat("a", 256)
	for name, c := range map[string]struct {
		read func(r io.Reader) error
		in   string
		want string
	}{
		"SOCKS4":                 {readGreeting, "\x04\x01\x00\x50", "version 4 in place of 5"},
		"greeting cut short":     {readGreeting, "\x05\x02\x00", "unexpected EOF"},
		"nothing":                {readGreeting, "", "EOF"},
		"password's version":     {readPassword, "\x05\x01a\x01b", "version 5 in place of 1"},
		"password cut short":     {readPassword, "\x01\x03ann\x06secre", "unexpected EOF"},
		"address type":           {readRequest, "\x05\x01\x00\x02\x00\x00\x00\x00\x00\x50", "an address of no known type: 2"},
		"empty name":             {readRequest, "\x05\x01\x00\x03\x00\x00\x50", "a name of 0 bytes"},
		"name with NUL":          {readRequest, "\x05\x01\x00\x03\x03a\x00b\x00\x50", `"a\x00b" is neither a name nor an address`},
		"name with a line end":   {readRequest, "\x05\x01\x00\x03\x03a\r\n\x00\x50", `"a\r\n" is neither a name nor an address`},
		"name with a zone":       {readRequest, "\x05\x01\x00\x03\x08fe80::1%\x00\x50", `"fe80::1%" is neither a name nor an address`},
		"port cut short":         {readRequest, "\x05\x01\x00\x01\x7f\x00\x00\x01\x00", "unexpected EOF"},
		"name to send too long":  {func(io.Reader) error { _, err := appendAddress(nil, addr.Remote{Host: long, Port: 1}); return err }, "", "a name of 256 bytes"},
		"address to send zoned":  {func(io.Reader) error { _, err := appendAddress(nil, addr.Remote{Host: "fe80::1%eth0"}); return err }, "", "a zone means nothing to another host"},
		"empty password to send": {func(io.Reader) error { return CheckPassword("ann", "") }, "", "a password of 0 bytes"},
		"long user to send":      {func(io.Reader) error { return CheckPassword(long, "x") }, "", "a user name of 256 bytes"},
	} {
		assert.ErrorContains(t, c.read(strings.NewReader(c.in)), c.want, name)
	}
	_, err := ParseDatagram([]byte("\x00\x00\x01\x01\x7f\x00\x00\x01\x00\x50hi"))
	assert.ErrorIs(t, err, ErrFragment)
}

// An address that comes as a name has one spelling, by SOCKS and by HTTP CONNECT.
func TestSpellingOfAddresses(t *testing.T) {
	for came, want := range map[string]string{
		"000::0":                 "::",
		"2001:DB8:0:0:0:0:0:1":   "2001:db8::1",
		"::ffff:c612:160a":       "::ffff:198.18.22.10",
		"198.18.22.10":           "198.18.22.10",
		"198.018.22.10":          "198.018.22.10", // no address: a name, for the resolver to refuse
		"Server_1.crosslan.test": "Server_1.crosslan.test",
	} {
		q, err := ReadRequest(strings.NewReader("\x05\x01\x00\x03" + string(rune(len(came))) + came + "\x00\x50"))
		require.NoError(t, err, came)
		assert.Equal(t, addr.Remote{Host: want, Port: 80}, q.Address)
		tunnel, err := ParseTunnel([]byte("CONNECT " + net.JoinHostPort(came, "80") + " HTTP/1.1\r\nHost: x\r\n\r\n"))
		require.NoError(t, err, came)
		assert.Equal(t, addr.Remote{Host: want, Port: 80}, tunnel.Target)
	}
}

func readGreeting(r io.Reader) error { _, err := ReadGreeting(r); return err }
func readPassword(r io.Reader) error { _, _, err := ReadPassword(r); return err }
func readRequest(r io.Reader) error  { _, err := ReadRequest(r); return err }

// TestLongestOfEverything is the edge of each length, which is one byte.
func TestLongestOfEverything(t *testing.T) {
	longest := strings.Repeat("a", 255)
	user, password, err := ReadPassword(bytes.NewReader(AppendPassword(nil, longest, longest)))
	require.NoError(t, err)
	assert.Equal(t, longest+longest, user+password)

	want := Request{Command: Connect, Address: addr.Remote{Host: longest, Port: 65535}}
	b, err := AppendRequest(nil, want)
	require.NoError(t, err)
	got, err := ReadRequest(bytes.NewReader(b))
	require.NoError(t, err)
	assert.Equal(t, want, got)

	d := Datagram{Address: addr.Remote{Host: longest, Port: 65535}, Payload: make([]byte, 65535-MaxDatagramHeader)}
	b, err = AppendDatagram(nil, d)
	require.NoError(t, err)
	assert.Len(t, b, 65535)
	parsed, err := ParseDatagram(b)
	require.NoError(t, err)
	assert.Equal(t, d, parsed)

	methods, err := ReadGreeting(strings.NewReader("\x05\xff" + longest))
	require.NoError(t, err)
	assert.Len(t, methods, 255)
}

func TestFailuresInBothProtocols(t *testing.T) {
	connect := func(no error) error {
		return &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", no)}
	}
	for _, c := range []struct {
		err    error
		reply  Reply
		status int
		word   string
	}{
		{nil, Succeeded, 200, ""},
		{fmt.Errorf("127.0.0.1: %w", rules.ErrRefused), NotAllowed, 403, "destination_ip_prohibited"},
		{connect(unix.EPERM), NotAllowed, 403, "destination_ip_prohibited"},
		{connect(unix.EACCES), NotAllowed, 403, "destination_ip_prohibited"},
		{connect(unix.ENETUNREACH), NetworkUnreachable, 502, "destination_ip_unroutable"},
		{connect(unix.EHOSTUNREACH), HostUnreachable, 502, "destination_ip_unroutable"},
		{connect(unix.ECONNREFUSED), ConnectionRefused, 502, "connection_refused"},
		{connect(unix.ETIMEDOUT), TTLExpired, 504, "connection_timeout"},
		{context.DeadlineExceeded, TTLExpired, 504, "connection_timeout"},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, TTLExpired, 504, "connection_timeout"},
		{connect(unix.EAFNOSUPPORT), AddressTypeNotSupported, 502, "destination_ip_unroutable"},
		{connect(unix.ECONNRESET), GeneralFailure, 502, "connection_terminated"},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, HostUnreachable, 502, "dns_error"},
		{&net.DNSError{Err: "timeout", IsTimeout: true}, HostUnreachable, 504, "dns_timeout"},
		{connect(unix.EMFILE), GeneralFailure, 500, "proxy_internal_error"},
		{errors.New("whatever"), GeneralFailure, 500, "proxy_internal_error"},
	} {
		assert.Equal(t, c.reply, ReplyTo(c.err), "%v", c.err)
		head := AppendTunnelReply(nil, c.err)
		reply, err := ParseTunnelReply(head)
		require.NoError(t, err)
		assert.Equal(t, c.status, reply.Status, "%v", c.err)
		if c.err != nil {
			assert.Equal(t, c.err.Error(), reply.Details)
			assert.Contains(t, string(head), "Proxy-Status: crosslan; error="+c.word+"; ")
		}
	}
}

func TestParseTunnel(t *testing.T) {
	for in, want := range map[string]Tunnel{
		"CONNECT server:80 HTTP/1.1\r\nHost: server:80\r\n\r\n":                          {Target: addr.Remote{Host: "server", Port: 80}},
		"CONNECT server:80 HTTP/1.0\r\n\r\n":                                             {Target: addr.Remote{Host: "server", Port: 80}},
		"CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: x\r\n\r\n":                           {Target: addr.Remote{Host: "2001:db8::1", Port: 80}},
		"CONNECT [::ffff:127.0.0.1]:65535 HTTP/1.1\nHost: x\n\n":                         {Target: addr.Remote{Host: "::ffff:127.0.0.1", Port: 65535}},
		string(AppendTunnel(nil, Tunnel{Target: addr.Remote{Host: "server", Port: 80}})): {Target: addr.Remote{Host: "server", Port: 80}},
		string(AppendTunnel(nil, Tunnel{Target: addr.Remote{Host: "::1", Port: 1}, User: "ann", Password: "a:b", Authorized: true})): {
			Target: addr.Remote{Host: "::1", Port: 1}, User: "ann", Password: "a:b", Authorized: true},
		"CONNECT server:80 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: bAsIc YW5uOnNlY3JldA==\r\n\r\n": {
			Target: addr.Remote{Host: "server", Port: 80}, User: "ann", Password: "secret", Authorized: true},
		"CONNECT server:80 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Bearer YW5uOnNlY3JldA==\r\n\r\n": {Target: addr.Remote{Host: "server", Port: 80}},
		"CONNECT server:80 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic !\r\n\r\n":                 {Target: addr.Remote{Host: "server", Port: 80}},
		"CONNECT server:80 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic YW5u\r\n\r\n":              {Target: addr.Remote{Host: "server", Port: 80}, User: "ann"},
		// Two different ones are none: which would count?
		"CONNECT server:80 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic YTpi\r\nProxy-Authorization: Basic YzpkCg==\r\n\r\n": {Target: addr.Remote{Host: "server", Port: 80}},
	} {
		got, err := ParseTunnel([]byte(in))
		assert.NoError(t, err, "%q", in)
		assert.Equal(t, want, got, "%q", in)
	}
	for in, status := range map[string]int{
		"GET http://server/ HTTP/1.1\r\nHost: server\r\n\r\n":     405,
		"CONNECT server HTTP/1.1\r\nHost: server\r\n\r\n":         400,
		"CONNECT server: HTTP/1.1\r\nHost: server\r\n\r\n":        400,
		"CONNECT server:0 HTTP/1.1\r\nHost: server\r\n\r\n":       400,
		"CONNECT server:65536 HTTP/1.1\r\nHost: x\r\n\r\n":        400,
		"CONNECT :80 HTTP/1.1\r\nHost: x\r\n\r\n":                 400,
		"CONNECT u@server:80 HTTP/1.1\r\nHost: x\r\n\r\n":         400,
		"CONNECT /server:80 HTTP/1.1\r\nHost: x\r\n\r\n":          400,
		"CONNECT [fe80::1%25eth0]:80 HTTP/1.1\r\nHost: x\r\n\r\n": 400,
		"CONNECT server:80\r\n\r\n":                               400,
		"HELLO\r\n\r\n":                                           400,
		"CONNECT server:80 HTTP/1.1\r\nbroken\r\n\r\n":            400,
	} {
		_, err := ParseTunnel([]byte(in))
		require.Error(t, err, "%q", in)
		reply, parseErr := ParseTunnelReply(AppendTunnelError(nil, err))
		require.NoError(t, parseErr)
		assert.Equal(t, status, reply.Status, "%q: %v", in, err)
	}
}

func TestParseTunnelReply(t *testing.T) {
	for in, want := range map[string]string{
		"HTTP/1.1 200 Connection established\r\n\r\n":                                  "200 Connection established",
		"HTTP/1.0 299\r\n\r\n":                                                         "299",
		"HTTP/1.1 502 Bad Gateway\r\nProxy-Status: x; details=\"a \\\"b\\\"\"\r\n\r\n": `502 Bad Gateway (a "b")`,
		"HTTP/1.1 502 Bad Gateway\r\nProxy-Status: x; details=\"a\\":                   "",
	} {
		reply, err := ParseTunnelReply([]byte(in))
		if want == "" {
			assert.Error(t, err)
			continue
		}
		require.NoError(t, err, in)
		assert.Equal(t, want, reply.String())
	}
	_, err := ParseTunnelReply([]byte("SSH-2.0-OpenSSH_9.2\r\n\r\n"))
	assert.ErrorContains(t, err, "no HTTP response")
}
