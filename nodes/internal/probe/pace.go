package probe

import (
	"context"
	"errors"
	"time"
)

// pace is how long to wait after each sending of a request.
type pace []time.Duration

// positive is the pace of a request that must be answered: seven sendings, the first
// 500 ms before the second, as RFC 8489 section 6.2.1 has it. But the waits do not
// double: who probes does not wait for 39.5 s.
var positive = pace{
	500 * time.Millisecond, 500 * time.Millisecond, 500 * time.Millisecond,
	time.Second, time.Second, time.Second, 3 * time.Second,
}

// resend is how long a request that may well stay without an answer waits before it is
// sent again. RFC 8489's pace is made for a network that must not be overloaded, and
// would take seconds to be as sure.
const resend = 200 * time.Millisecond

// negative is the pace of such a request: silence for a whole limit, beyond the time
// that an answer takes to come, means no. The number of sendings grows with the limit.
func negative(limit, roundTrip time.Duration) pace {
	p := pace{}
	for ; limit > resend; limit -= resend {
		p = append(p, resend)
	}
	return append(p, limit+2*roundTrip)
}

// total is the time until it gives up.
func (p pace) total() time.Duration {
	var d time.Duration
	for _, wait := range p {
		d += wait
	}
	return d
}

// errSilence means that a request has got no answer.
var errSilence = errors.New("no answer")

// exchange sends until the first message comes.
func (p pace) exchange(ctx context.Context, messages <-chan packet, send func() error) (packet, error) {
	t := time.NewTimer(0)
	defer t.Stop()
	for _, wait := range p {
		if err := send(); err != nil {
			return packet{}, err
		}
		t.Reset(wait)
		select {
		case m := <-messages:
			return m, nil
		case <-ctx.Done():
			// What came last may have been the answer.
			select {
			case m := <-messages:
				return m, nil
			default:
			}
			return packet{}, context.Cause(ctx)
		case <-t.C:
		}
	}
	return packet{}, errSilence
}
