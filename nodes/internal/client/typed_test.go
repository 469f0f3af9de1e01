package client

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestType(t *testing.T) {
	log := serve(t, "http="+servicesIP)
	got := call(t, "type", servicesIP+":8000", "GET /none HTTP/1.0", "")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `connected  LOCAL -> SERVER:8000
sent       send("GET /none HTTP/1.0\r\n") = 20
sent       send("\r\n") = 2
received   "HTTP/1.0 404 Not Found\r\n"
received   "Content-Type: text/plain; charset=utf-8\r\n"
received   "X-Content-Type-Options: nosniff\r\n"
received   "Date: D
received   "Content-Length: 19\r\n"
received   "\r\n"
received   "404 page not found\n"
closed     SERVER:8000
`, plain(t, got))
	assert.Contains(t, log.String(), `received   `+localOf(t, got.stdout))
}

func TestTypeErrors(t *testing.T) {
	server := foreign(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "no line end")
		_, _ = io.Copy(io.Discard, c)
	})
	got := call(t, "type", server, "x", "--timeout", "100ms")
	assert.Equal(t, 1, got.status)
	assert.Equal(t, "client: recv: timed out: "+server+" after 0.1 s (--timeout)\n", got.stderr)
	assert.Contains(t, got.stdout, `received   "no line end"`, "what has come is printed first")

	got = call(t, "type", server)
	assert.Equal(t, 2, got.status)
	assert.Contains(t, got.stderr, "which lines?")
}
