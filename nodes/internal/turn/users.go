package turn

import (
	"bufio"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// DefaultRealm is the realm of a server that was told none.
const DefaultRealm = "crosslan"

// Users are who may use the server, by RFC 8489's long-term credentials (section 9.2).
type Users struct {
	realm   string
	secret  []byte
	entries map[string][]byte // a user's key
}

// NewUsers returns the users of a realm: none so far.
func NewUsers(realm string) *Users {
	return &Users{realm: realm, entries: map[string][]byte{}}
}

// Add adds a user by "NAME:PASSWORD".
func (u *Users) Add(entry string) error {
	name, password, found := strings.Cut(entry, ":")
	if !found || name == "" || password == "" {
		return errors.New("want NAME:PASSWORD") // the entry itself is not to be printed
	}
	if len(name) > 508 { // RFC 8489 section 14.3: less than 509 bytes
		return errors.New("a name has at most 508 bytes")
	}
	u.entries[name] = u.key(name, password)
	return nil
}

// Read adds the users of a file: NAME:PASSWORD lines; empty lines and those that
// begin with # are left out.
func (u *Users) Read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := u.Add(line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return lines.Err()
}

// SetSecret has the server also take users who were given a password for some time
// by a service that shares the secret (draft-uberti-behave-turn-rest, coturn's
// use-auth-secret): the name is TIMESTAMP or TIMESTAMP:ANYTHING, until when it holds,
// and the password is Password of it.
func (u *Users) SetSecret(secret string) { u.secret = []byte(secret) }

// Empty reports whether nobody may use the server.
func (u *Users) Empty() bool { return len(u.entries) == 0 && len(u.secret) == 0 }

// Password is the password of a user name under a shared secret.
func Password(secret []byte, name string) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write([]byte(name))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// find returns a user's key and identity, by which allocations are counted: with a
// shared secret the part of the name that outlives the timestamp.
func (u *Users) find(name string, now time.Time) (key []byte, id string, ok bool) {
	if key, ok := u.entries[name]; ok {
		return key, name, true
	}
	if len(u.secret) == 0 {
		return nil, "", false
	}
	stamp, id, _ := strings.Cut(name, ":")
	until, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Unix() > until {
		return nil, "", false
	}
	if id == "" {
		id = name
	}
	return u.key(name, Password(u.secret, name)), id, true
}

// key is the HMAC key of RFC 8489 section 9.2.2, for the password algorithm MD5,
// which is the one that every TURN client has.
func (u *Users) key(name, password string) []byte {
	sum := md5.Sum([]byte(name + ":" + u.realm + ":" + password))
	return sum[:]
}
