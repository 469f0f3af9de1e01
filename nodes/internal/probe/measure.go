package probe

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"
)

// Options say what to measure.
type Options struct {
	Server netip.AddrPort // of the STUN server, with another address

	// Local is what to bind to. Without an address the kernel chooses by the route.
	// With a port the mapping is measured from that port, and the filtering from the
	// next: there no other address of the server may ever have been asked.
	Local netip.AddrPort

	UDP, TCP bool

	// Silence is how long no answer means that none comes.
	Silence time.Duration

	// Search asks for the mapping's lifetime as well.
	Search *Search

	patience pace // with what must be answered; nil: positive
}

// Measure measures UDP and TCP, at the same time. If one of them fails, the result
// has the other.
func Measure(ctx context.Context, o Options) (Result, error) {
	begin := time.Now()
	if o.patience == nil {
		o.patience = positive
	}
	r := Result{Server: o.Server}
	var faults [2]error
	var others [2]netip.AddrPort
	var wg sync.WaitGroup
	if o.UDP {
		wg.Go(func() { r.UDP, others[0], faults[0] = measureUDP(ctx, o) })
	}
	if o.TCP {
		wg.Go(func() { r.TCP, others[1], faults[1] = measureTCP(ctx, o) })
	}
	wg.Wait()
	for _, other := range others {
		if other.IsValid() {
			r.Alternate = other
		}
	}
	r.Seconds = time.Since(begin).Seconds()
	if ctx.Err() != nil {
		return r, context.Cause(ctx)
	}
	return r, errors.Join(faults[:]...)
}

// source is what to bind to; where Local says nothing, any.
func (o Options) source() netip.AddrPort {
	ip := o.Local.Addr()
	switch {
	case ip.IsValid():
	case o.Server.Addr().Is4():
		ip = netip.IPv4Unspecified()
	default:
		ip = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(ip, o.Local.Port())
}
