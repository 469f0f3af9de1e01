package rendezvous

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Use is what a token is used for. The same token names another meeting for each.
type Use string

const (
	PunchUDP Use = "punch udp"
	PunchTCP Use = "punch tcp"
	RelayUDP Use = "relay udp"
	RelayTCP Use = "relay tcp"
)

// maxToken is the longest token, in bytes.
const maxToken = 1024

// ID names a meeting: the public key that only holders of its token can sign for.
type ID [ed25519.PublicKeySize]byte

// NonceSize is the length of a Nonce in bytes.
const NonceSize = 16

// Nonce is a client's own random number for one registration. The zero Nonce is none.
type Nonce [NonceSize]byte

// NewNonce returns a fresh nonce.
func NewNonce() Nonce {
	var n Nonce
	_, _ = rand.Read(n[:]) // never fails (Go 1.24)
	return n
}

// Less orders nonces; the peer with the greater one leads.
func (n Nonce) Less(other Nonce) bool { return bytes.Compare(n[:], other[:]) < 0 }

// Token is what a shared token is worth for one use.
type Token struct {
	ID ID

	private ed25519.PrivateKey
	peer    []byte // from which the peers' key comes
}

// NewToken derives the keys of a shared token (RFC 5869).
func NewToken(secret string, use Use) (Token, error) {
	if secret == "" {
		return Token{}, errors.New("the token is empty")
	}
	if len(secret) > maxToken {
		return Token{}, fmt.Errorf("the token has %d bytes; %d are the most", len(secret), maxToken)
	}
	seed, err := derive([]byte(secret), nil, "meeting "+string(use))
	if err != nil {
		return Token{}, err
	}
	peer, err := derive([]byte(secret), nil, "peers "+string(use))
	if err != nil {
		return Token{}, err
	}
	t := Token{private: ed25519.NewKeyFromSeed(seed), peer: peer}
	copy(t.ID[:], t.private.Public().(ed25519.PublicKey))
	return t, nil
}

// PeerKey returns the key, of 32 bytes, by which two peers know each other's packets.
// It is the same for both, and another for each pair of nonces, so what was recorded of
// an earlier meeting is not accepted in this one.
func (t Token) PeerKey(own, peer Nonce) ([]byte, error) {
	if peer.Less(own) {
		own, peer = peer, own
	}
	return derive(t.peer, append(own[:], peer[:]...), "session")
}

func derive(secret, salt []byte, info string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, salt, "crosslan rendezvous 1 "+info, 32)
	if err != nil {
		return nil, fmt.Errorf("derive a key from the token: %w", err)
	}
	return key, nil
}
