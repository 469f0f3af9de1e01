package transfer

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

// Digest is what both ends print of a file, to be compared: in hexadecimal digits.
type Digest struct {
	MD5    string // as in the tutorials; it finds accidents, not forgery
	SHA256 string
}

// hasher computes a Digest of what is written to it.
type hasher struct {
	io.Writer
	md5, sha256 hash.Hash
}

func newHasher() *hasher {
	h := &hasher{md5: md5.New(), sha256: sha256.New()}
	h.Writer = io.MultiWriter(h.md5, h.sha256)
	return h
}

func (h *hasher) digest() Digest {
	return Digest{
		MD5:    hex.EncodeToString(h.md5.Sum(nil)),
		SHA256: hex.EncodeToString(h.sha256.Sum(nil)),
	}
}
