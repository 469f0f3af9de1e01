package turn

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"time"
)

// nonceLifetime is how long a nonce holds: RFC 8656 section 5 wants it to expire at
// least once an hour.
const nonceLifetime = 30 * time.Minute

// nonces makes nonces that need no memory: a time, and its HMAC together with the
// client's transport address. A request that is overheard and sent again from
// somewhere else, where it would make an allocation for the thief, has a nonce that
// is not for there.
type nonces struct{ key [32]byte }

func newNonces() *nonces {
	n := &nonces{}
	rand.Read(n.key[:]) // never fails (crypto/rand)
	return n
}

const nonceSize = 8 + 12 // bytes, before they are written in hexadecimal

func (n *nonces) make(client netip.AddrPort, now time.Time) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, nonceSize), uint64(now.UnixMilli()))
	return hex.EncodeToString(append(b, n.sum(b, client)...))
}

// valid reports whether nonce was made for client, and not too long ago.
func (n *nonces) valid(nonce string, client netip.AddrPort, now time.Time) bool {
	b, err := hex.DecodeString(nonce)
	if err != nil || len(b) != nonceSize {
		return false
	}
	age := now.Sub(time.UnixMilli(int64(binary.BigEndian.Uint64(b))))
	return hmac.Equal(b[8:], n.sum(b[:8], client)) && age >= -time.Second && age < nonceLifetime
}

func (n *nonces) sum(stamp []byte, client netip.AddrPort) []byte {
	mac := hmac.New(sha256.New, n.key[:])
	mac.Write(stamp)
	b, _ := client.MarshalBinary() // never fails
	mac.Write(b)
	return mac.Sum(nil)[:nonceSize-8]
}
