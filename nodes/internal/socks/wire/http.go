package wire

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// Tunnel is a CONNECT request.
type Tunnel struct {
	Target         addr.Remote
	User, Password string
	Authorized     bool // it has credentials, right or wrong
}

// ErrMethod is an HTTP request that is not CONNECT.
var ErrMethod = errors.New("only CONNECT is served")

// ParseTunnel reads the head of a CONNECT request (RFC 9110 section 9.3.6).
func ParseTunnel(head []byte) (Tunnel, error) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return Tunnel{}, fmt.Errorf("no HTTP request: %w", err)
	}
	if r.Method != http.MethodConnect {
		return Tunnel{}, fmt.Errorf("%s: %w", r.Method, ErrMethod)
	}
	t := Tunnel{}
	if t.Target, err = parseAuthority(r.RequestURI); err != nil {
		return Tunnel{}, err
	}
	if values := r.Header.Values("Proxy-Authorization"); len(values) == 1 {
		t.User, t.Password, t.Authorized = parseBasic(values[0])
	}
	return t, nil
}

// parseAuthority reads HOST:PORT. There is no default port: an empty or invalid one is
// to be refused.
func parseAuthority(s string) (addr.Remote, error) {
	host, digits, err := net.SplitHostPort(s)
	if err != nil {
		return addr.Remote{}, fmt.Errorf("CONNECT %q: want HOST:PORT", s)
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return addr.Remote{}, fmt.Errorf("CONNECT %q: port %q is not a number from 1 to 65535", s, digits)
	}
	host, err = parseHost(host)
	return addr.Remote{Host: host, Port: uint16(port)}, err
}

// parseBasic reads credentials of the scheme Basic (RFC 7617 section 2).
func parseBasic(s string) (user, password string, ok bool) {
	scheme, encoded, _ := strings.Cut(s, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(decoded), ":")
}

// AppendTunnel appends a CONNECT request, with credentials if it is Authorized.
func AppendTunnel(b []byte, t Tunnel) []byte {
	b = fmt.Appendf(b, "CONNECT %v HTTP/1.1\r\nHost: %v\r\nUser-Agent: crosslan\r\n", t.Target, t.Target)
	if t.Authorized {
		b = append(b, "Proxy-Authorization: Basic "...)
		b = base64.StdEncoding.AppendEncode(b, []byte(t.User+":"+t.Password))
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// proxyName is how the proxy calls itself in Proxy-Status.
const proxyName = "crosslan"

// AppendTunnelReply appends the answer to a CONNECT whose target could be reached (nil)
// or not. What went wrong stands in Proxy-Status (RFC 9209), in its own word and in ours,
// and in the content for people.
func AppendTunnelReply(b []byte, err error) []byte {
	if err == nil {
		// RFC 9110 section 9.3.6: no Content-Length, no Transfer-Encoding.
		return append(b, "HTTP/1.1 200 Connection established\r\n\r\n"...)
	}
	f := failureOf(err)
	return appendError(b, f.status, f.word, err.Error())
}

// AppendAuthenticationRequired appends the answer to a CONNECT without the right
// credentials.
func AppendAuthenticationRequired(b []byte) []byte {
	return appendError(b, http.StatusProxyAuthRequired, "http_request_denied", "wrong or no user name and password",
		`Proxy-Authenticate: Basic realm="crosslan", charset="UTF-8"`)
}

// AppendTunnelError appends the answer to what ParseTunnel or ReadHead refuses.
func AppendTunnelError(b []byte, err error) []byte {
	switch {
	case errors.Is(err, ErrMethod):
		return appendError(b, http.StatusMethodNotAllowed, "http_request_denied", err.Error(), "Allow: CONNECT")
	case errors.Is(err, ErrHeadTooLong):
		return appendError(b, http.StatusRequestHeaderFieldsTooLarge, "http_request_error", err.Error())
	}
	return appendError(b, http.StatusBadRequest, "http_request_error", err.Error())
}

// appendError appends an answer after which the connection ends.
func appendError(b []byte, status int, word, details string, fields ...string) []byte {
	details = printableASCII(details)
	content := details + "\n"
	b = fmt.Appendf(b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	b = fmt.Appendf(b, "Proxy-Status: %s; error=%s; details=%q\r\n", proxyName, word, details)
	for _, f := range fields {
		b = append(append(b, f...), "\r\n"...)
	}
	return fmt.Appendf(b, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(content), content)
}

// printableASCII returns s as a structured field's string may have it (RFC 9651 section
// 3.3.3): what comes from a client goes into a header here.
func printableASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// TunnelReply is a proxy's answer to CONNECT.
type TunnelReply struct {
	Status  int
	Reason  string // the status line after the number
	Details string // of Proxy-Status, empty if there are none
}

// OK reports whether the tunnel is open (RFC 9110 section 9.3.6: any 2xx).
func (t TunnelReply) OK() bool { return t.Status/100 == 2 }

// String words the reply: "502 Bad Gateway (connect: …)".
func (t TunnelReply) String() string {
	s := strings.TrimSpace(fmt.Sprintf("%d %s", t.Status, t.Reason))
	if t.Details != "" {
		s += " (" + t.Details + ")"
	}
	return s
}

// ParseTunnelReply reads the head of the answer to CONNECT.
func ParseTunnelReply(head []byte) (TunnelReply, error) {
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodConnect})
	if err != nil {
		if err == io.ErrUnexpectedEOF {
			err = errors.New("broken off")
		}
		return TunnelReply{}, fmt.Errorf("no HTTP response: %w", err)
	}
	r.Body.Close()
	_, reason, _ := strings.Cut(r.Status, " ")
	return TunnelReply{Status: r.StatusCode, Reason: reason, Details: details(r.Header.Get("Proxy-Status"))}, nil
}

// details takes the parameter details out of a Proxy-Status, if it is a string (RFC
// 9209 section 2.1.5). Nothing depends on it: it is shown to people.
func details(field string) string {
	_, rest, ok := strings.Cut(field, `details="`)
	if !ok {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '"':
			return b.String()
		case '\\':
			if i++; i == len(rest) {
				return ""
			}
		}
		b.WriteByte(rest[i])
	}
	return ""
}
