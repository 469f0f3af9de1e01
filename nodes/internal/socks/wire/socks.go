package wire

import (
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// Version is SOCKS5's, the first byte of every message but those of RFC 1929.
const Version = 5

// passwordVersion is the first byte of the messages of RFC 1929 section 2.
const passwordVersion = 1

// Method is a way to authenticate (RFC 1928 section 3).
type Method byte

// The methods that both sides know, and the answer to a client that knows neither.
const (
	NoAuthentication Method = 0
	UsernamePassword Method = 2
	NoneAcceptable   Method = 0xff
)

// Command is what a client wants (RFC 1928 section 4).
type Command byte

// The commands of RFC 1928 section 4.
const (
	Connect   Command = 1
	Bind      Command = 2
	Associate Command = 3
)

// String returns the RFC's name of the command.
func (c Command) String() string {
	switch c {
	case Connect:
		return "CONNECT"
	case Bind:
		return "BIND"
	case Associate:
		return "UDP ASSOCIATE"
	}
	return fmt.Sprintf("command %d", byte(c))
}

// AppendGreeting appends a client's greeting.
func AppendGreeting(b []byte, methods ...Method) []byte {
	b = append(b, Version, byte(len(methods)))
	for _, m := range methods {
		b = append(b, byte(m))
	}
	return b
}

// ReadGreeting reads a client's greeting: the methods that it offers.
func ReadGreeting(r io.Reader) ([]Method, error) {
	if err := readVersion(r, Version); err != nil {
		return nil, err
	}
	b, err := readCounted(r)
	methods := make([]Method, len(b))
	for i, m := range b {
		methods[i] = Method(m)
	}
	return methods, err
}

// AppendMethod appends a server's choice.
func AppendMethod(b []byte, m Method) []byte { return append(b, Version, byte(m)) }

// ReadMethod reads a server's choice.
func ReadMethod(r io.Reader) (Method, error) {
	if err := readVersion(r, Version); err != nil {
		return 0, err
	}
	var b [1]byte
	_, err := io.ReadFull(r, b[:])
	return Method(b[0]), err
}

// CheckPassword says whether RFC 1929 can carry a name and a password: each has from
// 1 to 255 bytes.
func CheckPassword(user, password string) error {
	for what, s := range map[string]string{"user name": user, "password": password} {
		if s == "" || len(s) > 255 {
			return fmt.Errorf("a %s of %d bytes: it must have 1 to 255 (RFC 1929)", what, len(s))
		}
	}
	return nil
}

// AppendPassword appends a client's name and password, which CheckPassword has passed.
func AppendPassword(b []byte, user, password string) []byte {
	b = append(b, passwordVersion, byte(len(user)))
	b = append(b, user...)
	b = append(b, byte(len(password)))
	return append(b, password...)
}

// ReadPassword reads a client's name and password.
func ReadPassword(r io.Reader) (user, password string, err error) {
	if err := readVersion(r, passwordVersion); err != nil {
		return "", "", err
	}
	u, err := readCounted(r)
	if err != nil {
		return "", "", err
	}
	p, err := readCounted(r)
	return string(u), string(p), err
}

// AppendPasswordStatus appends whether the password was right.
func AppendPasswordStatus(b []byte, right bool) []byte {
	if right {
		return append(b, passwordVersion, 0)
	}
	return append(b, passwordVersion, 1)
}

// ReadPasswordStatus reads whether the password was right.
func ReadPasswordStatus(r io.Reader) (right bool, err error) {
	var b [2]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return false, err
	}
	// Servers are seen that answer with SOCKS' version, so it is not looked at.
	return b[1] == 0, nil
}

// Request is what a client asks for.
type Request struct {
	Command Command
	Address addr.Remote
}

// AppendRequest appends a client's request.
func AppendRequest(b []byte, q Request) ([]byte, error) {
	return appendAddress(append(b, Version, byte(q.Command), 0), q.Address)
}

// ReadRequest reads a client's request. The command may be an unknown one.
func ReadRequest(r io.Reader) (Request, error) {
	var q Request
	if err := readVersion(r, Version); err != nil {
		return q, err
	}
	var b [2]byte // the second is reserved
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return q, err
	}
	q.Command = Command(b[0])
	var err error
	q.Address, err = readAddress(r)
	return q, err
}

// ReplyToRequestError returns the reply to a request that could not be read, and
// whether there can be one: not to a client that is gone.
func ReplyToRequestError(err error) (Reply, bool) {
	switch {
	case errors.Is(err, errAddressType):
		return AddressTypeNotSupported, true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return 0, false
	}
	return GeneralFailure, true
}

// AppendReply appends a server's reply with the address that it is about; the zero
// value is written as 0.0.0.0:0.
func AppendReply(b []byte, r Reply, bound netip.AddrPort) []byte {
	ip := bound.Addr().Unmap()
	if !ip.IsValid() {
		ip = netip.IPv4Unspecified()
	}
	b, _ = appendAddress(append(b, Version, byte(r), 0), addr.Remote{Host: ip.WithZone("").String(), Port: bound.Port()})
	return b
}

// ReadReply reads a server's reply. The address of one that is not Succeeded means
// nothing.
func ReadReply(r io.Reader) (Reply, addr.Remote, error) {
	if err := readVersion(r, Version); err != nil {
		return 0, addr.Remote{}, err
	}
	var b [2]byte // the second is reserved
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, addr.Remote{}, err
	}
	bound, err := readAddress(r)
	return Reply(b[0]), bound, err
}

// readVersion reads the byte with which a message begins.
func readVersion(r io.Reader, want byte) error {
	var b [1]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return err
	}
	if b[0] != want {
		return fmt.Errorf("version %d in place of %d", b[0], want)
	}
	return nil
}

// readCounted reads a byte and as many bytes as it says.
func readCounted(r io.Reader) ([]byte, error) {
	var n [1]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	b := make([]byte, n[0])
	_, err := io.ReadFull(r, b)
	return b, err
}
