package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/stun/v3"

	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

// reply is what a server's answer tells.
type reply struct {
	observed netip.AddrPort
	other    netip.AddrPort // zero: the server has one address
	sent     time.Time      // when the request went out for the last time
}

// refusal is an error response.
type refusal struct {
	by      netip.AddrPort
	code    stun.ErrorCode
	reason  string
	unknown stun.UnknownAttributes
}

func (e *refusal) Error() string {
	s := fmt.Sprintf("%v refuses: %d %s", e.by, e.code, e.reason)
	if len(e.unknown) > 0 {
		s += fmt.Sprintf(" (%v)", e.unknown)
	}
	return s
}

// read takes an answer apart.
func (p packet) read() (reply, error) {
	switch p.Type {
	case stun.BindingSuccess:
	case stun.BindingError:
		return reply{}, p.refusal()
	default:
		return reply{}, fmt.Errorf("%v answers with a %v", p.from, p.Type)
	}
	observed, err := stunserver.Mapped(p.Message)
	if err != nil {
		return reply{}, fmt.Errorf("%v answers without a usable XOR-MAPPED-ADDRESS: %w", p.from, err)
	}
	r := reply{observed: observed}
	r.other, err = stunserver.Other(p.Message)
	if err != nil && !errors.Is(err, stun.ErrAttributeNotFound) {
		return reply{}, fmt.Errorf("%v answers with an unusable OTHER-ADDRESS: %w", p.from, err)
	}
	return r, nil
}

func (p packet) refusal() error {
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(p.Message); err != nil {
		return fmt.Errorf("%v answers with an error without a code: %w", p.from, err)
	}
	e := &refusal{by: p.from, code: code.Code, reason: string(code.Reason)}
	_ = e.unknown.GetFrom(p.Message) // there, or not
	return e
}
