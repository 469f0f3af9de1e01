package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/rules"
)

// Reply is what a SOCKS5 server says to a request (RFC 1928 section 6).
type Reply byte

// The replies of RFC 1928 section 6.
const (
	Succeeded               Reply = 0
	GeneralFailure          Reply = 1
	NotAllowed              Reply = 2
	NetworkUnreachable      Reply = 3
	HostUnreachable         Reply = 4
	ConnectionRefused       Reply = 5
	TTLExpired              Reply = 6
	CommandNotSupported     Reply = 7
	AddressTypeNotSupported Reply = 8
)

var replyTexts = [...]string{
	Succeeded:               "succeeded",
	GeneralFailure:          "general SOCKS server failure",
	NotAllowed:              "connection not allowed by ruleset",
	NetworkUnreachable:      "network unreachable",
	HostUnreachable:         "host unreachable",
	ConnectionRefused:       "connection refused",
	TTLExpired:              "TTL expired",
	CommandNotSupported:     "command not supported",
	AddressTypeNotSupported: "address type not supported",
}

// String words the reply as the RFC does, with its number: "5 connection refused".
func (r Reply) String() string {
	if int(r) < len(replyTexts) {
		return fmt.Sprintf("%d %s", byte(r), replyTexts[r])
	}
	return fmt.Sprintf("%d (unassigned)", byte(r))
}

// failure is what an error of resolving or connecting becomes in each protocol.
type failure struct {
	reply Reply
	// status and word are the ones of RFC 9209 section 2.3, which has a word for
	// each way to fail where HTTP alone has "bad gateway".
	status int
	word   string
}

// failureOf translates the error of an attempt to reach the target. RFC 1928 has no
// reply for a SYN that nobody answered; "TTL expired" is what other servers say as
// well (microsocks, tor), and the only one that means a packet which went astray. A
// name that is not known is a host that cannot be reached.
func failureOf(err error) failure {
	var dns *net.DNSError
	switch {
	case err == nil:
		return failure{Succeeded, 200, ""}
	case errors.Is(err, rules.ErrRefused):
		return failure{NotAllowed, 403, "destination_ip_prohibited"}
	case errors.As(err, &dns) && dns.IsTimeout:
		return failure{HostUnreachable, 504, "dns_timeout"}
	case errors.As(err, &dns):
		return failure{HostUnreachable, 502, "dns_error"}
	case errors.Is(err, unix.ECONNREFUSED):
		return failure{ConnectionRefused, 502, "connection_refused"}
	case errors.Is(err, unix.ENETUNREACH):
		return failure{NetworkUnreachable, 502, "destination_ip_unroutable"}
	case errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EHOSTDOWN):
		return failure{HostUnreachable, 502, "destination_ip_unroutable"}
	case errors.Is(err, unix.ETIMEDOUT), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), timedOut(err):
		return failure{TTLExpired, 504, "connection_timeout"}
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return failure{NotAllowed, 403, "destination_ip_prohibited"}
	case errors.Is(err, unix.EAFNOSUPPORT):
		return failure{AddressTypeNotSupported, 502, "destination_ip_unroutable"}
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.ECONNABORTED):
		return failure{GeneralFailure, 502, "connection_terminated"}
	}
	return failure{GeneralFailure, 500, "proxy_internal_error"}
}

// timedOut reports whether err is a limit of package net that has passed.
func timedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// ReplyTo returns the reply that tells a client of err.
func ReplyTo(err error) Reply { return failureOf(err).reply }
