package ice

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// tokenUse keeps these meetings apart from those of other programs with the same token.
const tokenUse = rendezvous.Use("ice signalling")

// Bounds of a description, which comes from somebody else.
const (
	maxDescription = 32 << 10 // bytes
	maxCandidates  = 64
	maxCandidate   = 512 // bytes
	maxCredential  = 256 // characters (RFC 8839 section 5.4)
)

// Description is what one side tells the other: its credentials and candidates, each as
// RFC 8839 section 5.1 writes it.
type Description struct {
	Ufrag      string   `json:"ufrag"`
	Password   string   `json:"password"`
	Candidates []string `json:"candidates"`
}

// parseDescription reads a description. What holds for its parts is checked here, but for
// the candidates' own grammar.
func parseDescription(b []byte) (Description, error) {
	var d Description
	if err := json.Unmarshal(b, &d); err != nil {
		return d, fmt.Errorf("the peer's description: %w", err)
	}
	switch {
	// RFC 8445 section 5.3: at least 4 and 22 characters.
	case len(d.Ufrag) < 4 || len(d.Ufrag) > maxCredential:
		return d, fmt.Errorf("the peer's description: a username fragment of %d characters", len(d.Ufrag))
	case len(d.Password) < 22 || len(d.Password) > maxCredential:
		return d, fmt.Errorf("the peer's description: a password of %d characters", len(d.Password))
	case len(d.Candidates) > maxCandidates:
		return d, fmt.Errorf("the peer's description: %d candidates; %d are the most", len(d.Candidates), maxCandidates)
	}
	for _, c := range d.Candidates {
		if len(c) > maxCandidate {
			return d, fmt.Errorf("the peer's description: a candidate of %d bytes", len(c))
		}
	}
	return d, nil
}

// signal is the way to the other side.
type signal struct {
	net.Conn
	seal  cipher.AEAD
	leads bool // this side is the controlling one
}

// join meets whoever else has the token at a relay that pairs by token.
func join(ctx context.Context, relay netip.AddrPort, secret string) (*signal, error) {
	token, err := rendezvous.NewToken(secret, tokenUse)
	if err != nil {
		return nil, err
	}
	guest, err := rendezvous.NewGuest(token, nil, nil)
	if err != nil {
		return nil, err
	}
	c, err := dial.TCP(ctx, relay, dial.Options{})
	if err != nil {
		return nil, err
	}
	if err := rendezvous.JoinStream(ctx, c, guest); err != nil {
		c.Close()
		return nil, err
	}
	peer := guest.Status().Peer.Nonce
	key, err := token.PeerKey(guest.Nonce(), peer)
	if err != nil {
		c.Close()
		return nil, err
	}
	s, err := newSignal(c, key, peer.Less(guest.Nonce()))
	if err != nil {
		c.Close()
	}
	return s, err
}

// newSignal returns a signal over c. The key is for these two messages alone, one each
// way, so that the side is all that the nonces have to tell apart.
func newSignal(c net.Conn, key []byte, leads bool) (*signal, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCM(block)
	return &signal{c, seal, leads}, err
}

func (s *signal) nonce(leads bool) []byte {
	n := make([]byte, s.seal.NonceSize())
	if leads {
		n[0] = 1
	}
	return n
}

// exchange tells the other side d and returns what it tells.
func (s *signal) exchange(ctx context.Context, d Description) (Description, error) {
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	b, err := json.Marshal(d)
	if err != nil {
		return Description{}, err
	}
	sealed := s.seal.Seal(nil, s.nonce(s.leads), b, nil)
	if _, err := s.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(sealed))), sealed...)); err != nil {
		return Description{}, fmt.Errorf("signalling: %w", err)
	}
	if sealed, err = readSealed(s); err != nil {
		return Description{}, fmt.Errorf("signalling: %w", err)
	}
	if b, err = s.seal.Open(nil, s.nonce(!s.leads), sealed, nil); err != nil {
		return Description{}, errors.New("signalling: what came is not sealed under the token")
	}
	return parseDescription(b)
}

// readSealed reads a message: four bytes of length, and so many bytes.
func readSealed(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxDescription {
		return nil, fmt.Errorf("a message of %d bytes; %d are the most", n, maxDescription)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	return b, nil
}

// wait returns when the other side has left, or ctx is done.
func (s *signal) wait(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	_, err := io.Copy(io.Discard, s)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("signalling: %w", err)
	}
	return nil
}
