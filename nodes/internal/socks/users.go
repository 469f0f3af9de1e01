package socks

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/crosslan/crosslan/nodes/internal/socks/wire"
)

// Users are names and passwords. Only digests are kept: all of one length, they can be
// compared in constant time.
type Users []user

type user struct{ name, password [sha256.Size]byte }

// Add adds NAME:PASSWORD. The password may have colons, the name none (RFC 7617).
func (u *Users) Add(s string) error {
	name, password, ok := strings.Cut(s, ":")
	if !ok {
		return errors.New("want NAME:PASSWORD")
	}
	if err := wire.CheckPassword(name, password); err != nil {
		return err
	}
	if u.has(name) {
		return fmt.Errorf("user %q is there twice", name)
	}
	*u = append(*u, user{sha256.Sum256([]byte(name)), sha256.Sum256([]byte(password))})
	return nil
}

// Read adds a NAME:PASSWORD from each line of r. An empty line, and one that begins
// with #, is none.
func (u *Users) Read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := u.Add(line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return lines.Err()
}

func (u Users) has(name string) bool {
	digest := sha256.Sum256([]byte(name))
	for _, known := range u {
		if known.name == digest {
			return true
		}
	}
	return false
}

// right reports whether there is a user of that name with that password. How long it
// takes tells neither which part was wrong nor where.
func (u Users) right(name, password string) bool {
	n, p := sha256.Sum256([]byte(name)), sha256.Sum256([]byte(password))
	found := 0
	for _, known := range u {
		found |= subtle.ConstantTimeCompare(n[:], known.name[:]) & subtle.ConstantTimeCompare(p[:], known.password[:])
	}
	return found == 1
}
