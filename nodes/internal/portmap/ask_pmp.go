package portmap

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// pmpFirst is when a request is first sent again (RFC 6886, section 3.1).
const pmpFirst = 250 * time.Millisecond

// askPMP asks by NAT-PMP: for the outside address, then for the port.
func askPMP(ctx context.Context, r Request) (Answer, error) {
	if r.For.IsValid() {
		return Answer{}, errors.New("NAT-PMP has no word for another host; ask by --protocol pcp or upnp")
	}
	address, err := exchangePMP(ctx, r, pmpRequest{opcode: pmpAddress})
	if err != nil {
		return Answer{}, err
	}
	q := pmpRequest{opcode: pmpOpcode(r.Protocol), inside: r.Inside, outside: r.Outside, lifetime: wholeSeconds(r.Lifetime)}
	m, err := exchangePMP(ctx, r, q)
	if err != nil {
		return Answer{}, err
	}
	return Answer{
		Gateway:  r.Gateway,
		By:       byPMP,
		Outside:  netip.AddrPortFrom(address.address, m.outside),
		Lifetime: seconds(m.lifetime),
		Epoch:    seconds(m.epoch),
	}, nil
}

func exchangePMP(ctx context.Context, r Request, q pmpRequest) (answer pmpResponse, err error) {
	build := func(netip.Addr) []byte { return q.append(nil) }
	err = exchange(ctx, r, build, pmpFirst, func(b []byte) bool {
		var parseErr error
		answer, parseErr = parsePMPResponse(b)
		return parseErr == nil && answer.opcode == q.opcode && (answer.result != pmpSuccess || answer.inside == q.inside)
	})
	if err == nil && answer.result != pmpSuccess {
		err = refused(pmpResults, int(answer.result))
	}
	return answer, err
}
