package wire

import (
	"bytes"
	"testing"
)

// FuzzSOCKS reads bytes as every message of SOCKS5. What can be read is written again,
// and means the same.
func FuzzSOCKS(f *testing.F) {
	for _, s := range []string{
		"\x05\x02\x00\x02", "\x01\x03ann\x06secret", "\x05\x01\x00\x01\xc6\x12\x16\x0a\xc3\x57",
		"\x05\x01\x00\x03\x06server\x00\x50", "\x05\x01\x00\x03\x06000::0\x00\x50", "\x05\x00\x00\x01\xc6\x12\x16\x14\x9c\x40",
		"\x00\x00\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x35hi",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		if methods, err := ReadGreeting(r); err == nil && !bytes.Equal(AppendGreeting(nil, methods...), b[:len(b)-r.Len()]) {
			t.Errorf("greeting %q", b)
		}
		r.Reset(b)
		if user, password, err := ReadPassword(r); err == nil && !bytes.Equal(AppendPassword(nil, user, password), b[:len(b)-r.Len()]) {
			t.Errorf("password %q", b)
		}
		if q, err := ReadRequest(bytes.NewReader(b)); err == nil {
			again, err := AppendRequest(nil, q)
			if err != nil {
				t.Fatalf("request %q: %v", b, err)
			}
			if q2, err := ReadRequest(bytes.NewReader(again)); err != nil || q2 != q {
				t.Errorf("request %q: %v, then %v %v", b, q, q2, err)
			}
		}
		_, _, _ = ReadReply(bytes.NewReader(b))
		if d, err := ParseDatagram(b); err == nil {
			again, err := AppendDatagram(nil, d)
			if err != nil {
				t.Fatalf("datagram %q: %v", b, err)
			}
			d2, err := ParseDatagram(again)
			if err != nil || d2.Address != d.Address || !bytes.Equal(d2.Payload, d.Payload) {
				t.Errorf("datagram %q: %v, then %v %v", b, d, d2, err)
			}
		}
	})
}

// FuzzTunnel reads bytes as both heads of HTTP CONNECT. What is refused is answered by
// something that a client can read.
func FuzzTunnel(f *testing.F) {
	f.Add([]byte("CONNECT server:80 HTTP/1.1\r\nHost: server\r\nProxy-Authorization: Basic YW5uOnNlY3JldA==\r\n\r\n"))
	f.Add([]byte("GET http://server/ HTTP/1.1\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 502 Bad Gateway\r\nProxy-Status: x; details=\"a \\\"b\\\"\"\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if end, ok := headEnd(b); ok && end > len(b) {
			t.Fatalf("%q ends at %d", b, end)
		}
		tunnel, err := ParseTunnel(b)
		if err != nil {
			if _, err := ParseTunnelReply(AppendTunnelError(nil, err)); err != nil {
				t.Errorf("the answer to %q: %v", b, err)
			}
		} else if again, err := ParseTunnel(AppendTunnel(nil, tunnel)); err != nil || again.Target != tunnel.Target {
			t.Errorf("%q: %v, then %v %v", b, tunnel, again, err)
		}
		if reply, err := ParseTunnelReply(b); err == nil {
			_ = reply.String()
		}
	})
}
