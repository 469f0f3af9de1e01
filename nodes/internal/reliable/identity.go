package reliable

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
)

// protocol is the name of what is spoken over QUIC, by ALPN (RFC 7301).
const protocol = "crosslan-stream/1"

var errStranger = errors.New("not the partner's key")

// identity returns the key of one of the two ends, which both know.
func identity(shared []byte, leads bool) (ed25519.PrivateKey, error) {
	info := "crosslan reliable 1 follower"
	if leads {
		info = "crosslan reliable 1 leader"
	}
	seed, err := hkdf.Expand(sha256.New, shared, info, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// security returns the configuration of TLS with which this end proves who it is, and has
// the other prove the same.
func security(shared []byte, leads bool) (*tls.Config, error) {
	own, err := identity(shared, leads)
	if err != nil {
		return nil, err
	}
	other, err := identity(shared, !leads)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, own.Public(), own)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		NextProtos:   []string{protocol},
		Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: own}},
		ClientAuth:   tls.RequireAnyClientCert,
		// No authority vouches for a name: the key itself is known.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			key, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
			if !ok || !key.Equal(other.Public()) {
				return errStranger
			}
			return nil
		},
	}, nil
}
