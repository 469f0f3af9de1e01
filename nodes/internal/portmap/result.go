package portmap

import (
	"errors"
	"fmt"
)

// Why a router refuses. Each protocol has its own numbers for these.
var (
	errNotAuthorized = errors.New("this mapping is not for this host to make or change")
	errNoResources   = errors.New("no room for another mapping")
	errQuota         = errors.New("this host has as many mappings as it may")
	errNetwork       = errors.New("the NAT could not be changed")
	errTaken         = errors.New("the outside port that was asked for is not to be had")
	errLowPort       = errors.New("outside ports below 1024 are not given")
	errProtocol      = errors.New("only TCP and UDP ports can be mapped, one at a time")
)

// Refused is a router's answer that it will not do it.
type Refused struct {
	Name   string // as the protocol's document spells it: NO_RESOURCES
	Code   int
	Reason string // what that means, for people
}

// Error words the refusal: "NOT_AUTHORIZED (2) the router does not allow it".
func (r *Refused) Error() string { return fmt.Sprintf("%s (%d) %s", r.Name, r.Code, r.Reason) }

// result is a code with its name and meaning.
type result struct {
	name, meaning string
}

// refused returns the error of a code; the table is the protocol's, in order.
func refused(table []result, code int) error {
	if code < len(table) {
		return &Refused{table[code].name, code, table[code].meaning}
	}
	return &Refused{"unknown result", code, "which this client does not know"}
}
