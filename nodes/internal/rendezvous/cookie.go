package rendezvous

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"
)

// cookieLifetime is how long a cookie is good for.
const cookieLifetime = time.Minute

// cookies makes cookies and knows them again without keeping any.
type cookies struct{ secret [32]byte }

func newCookies() *cookies {
	c := &cookies{}
	_, _ = rand.Read(c.secret[:]) // never fails
	return c
}

// make returns the cookie of a client at an address, for one meeting.
func (c *cookies) make(now time.Time, from netip.AddrPort, id ID) Cookie {
	return c.at(uint64(now.UnixMilli()), from, id)
}

func (c *cookies) at(milli uint64, from netip.AddrPort, id ID) (cookie Cookie) {
	binary.BigEndian.PutUint64(cookie[:], milli)
	mac := hmac.New(sha256.New, c.secret[:])
	mac.Write(cookie[:8])
	mac.Write(id[:])
	ip := from.Addr().As16()
	mac.Write(binary.BigEndian.AppendUint16(ip[:], from.Port()))
	copy(cookie[8:], mac.Sum(nil))
	return cookie
}

// good reports whether cookie was made for this address and meeting, and not long ago.
func (c *cookies) good(cookie Cookie, now time.Time, from netip.AddrPort, id ID) bool {
	milli := binary.BigEndian.Uint64(cookie[:8])
	want := c.at(milli, from, id)
	age := now.UnixMilli() - int64(milli)
	return hmac.Equal(want[:], cookie[:]) && age >= 0 && age <= cookieLifetime.Milliseconds()
}
