package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Method is what a request asks for.
type Method string

const (
	Get  Method = "get"  // the server sends the file
	Post Method = "post" // the client sends the file
)

// Request is what a client asks of the server.
type Request struct {
	Method Method
	Name   string // as the client gave it; see CheckName
}

// String returns the request as it travels.
func (r Request) String() string { return string(r.Method) + " " + r.Name }

// ErrMethod means that a request is neither get nor post.
var ErrMethod = errors.New("method unsupported")

// ParseRequest reads a request, with or without a line end.
func ParseRequest(b []byte) (Request, error) {
	if !utf8.Valid(b) {
		return Request{}, fmt.Errorf("%w: the request is not UTF-8", ErrMethod)
	}
	method, name, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	r := Request{Method: Method(method), Name: strings.TrimSpace(name)}
	if r.Method != Get && r.Method != Post {
		return Request{}, ErrMethod
	}
	return r, nil
}

// RequestEnd returns how many bytes at the beginning of b are a request for
// certain, or 0 if it may go on. A line end ends it, and so does the header that
// follows a post, which may have come in the same chunk.
func RequestEnd(b []byte) int {
	line := bytes.IndexByte(b, '\n') + 1
	if !bytes.HasPrefix(b, []byte(Post+" ")) {
		return line
	}
	header := headerStart(b)
	if line > 0 && (header == 0 || line <= header) {
		return line
	}
	return header
}

// headerStart returns where in b a JSON object with a member begins, or 0.
func headerStart(b []byte) int {
	for i, c := range b {
		if c == '{' && bytes.HasPrefix(bytes.TrimLeft(b[i+1:], " "), []byte{'"'}) {
			return i
		}
	}
	return 0
}
