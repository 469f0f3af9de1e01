package portmap

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// Kernel is the NAT in whose forwards the leases are; *nat.Kernel is one.
type Kernel interface {
	Show() (nat.State, error)
	Apply(nat.Config) (changed bool, err error)
}

// leases are those of a router. They are of this process: the kernel knows forwards
// only, and a router that starts sets up those alone that it was told.
type leases struct {
	kernel  Kernel
	lowest  uint16 // outside port that is given
	journal *journal

	mu      sync.Mutex
	all     []lease
	epoch   time.Time
	changed chan struct{} // wakes run
}

func newLeases(k Kernel, lowest uint16, j *journal) *leases {
	return &leases{kernel: k, lowest: lowest, journal: j, epoch: time.Now(), changed: make(chan struct{}, 1)}
}

// seconds is the epoch time of RFC 6887, section 8.5: a client whose router's is
// less than it must be knows that its leases are lost.
func (s *leases) seconds() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint32(time.Since(s.epoch) / time.Second)
}

// outside is the address that leases are on.
func (s *leases) outside() (netip.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, err := s.show()
	if err != nil {
		return netip.Addr{}, err
	}
	return state.Config.OutsideAddrs[0], nil
}

// grant makes a lease, or renews the one that the inside transport address has.
func (s *leases) grant(w wish) (lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(w.protocol, w.inside); i >= 0 {
		return s.renew(i, w)
	}
	state, err := s.show()
	if err != nil {
		return lease{}, err
	}
	if err := s.admit(w, state.Config.Forwards); err != nil {
		return lease{}, err
	}
	port, err := choosePort(w, s.lowest, state.Mappings)
	if err != nil {
		return lease{}, err
	}
	l := lease{owner: w.owner, about: w.about, Forward: nat.Forward{
		Protocol: w.protocol, Inside: w.inside, Outside: netip.AddrPortFrom(state.Config.OutsideAddrs[0], port),
	}}
	if err := s.replace(state.Config, append(slices.Clone(s.all), l)); err != nil {
		return lease{}, err
	}
	return s.begin("mapped", len(s.all)-1, w), nil
}

// begin starts the time of a lease that the kernel has: a slow kernel takes nothing
// of it.
func (s *leases) begin(event string, i int, w wish) lease {
	now := time.Now()
	s.all[i].ends = now.Add(min(max(w.lifetime, shortest), longest))
	s.journal.granted(event, s.all[i], s.all[i].left(now))
	return s.all[i]
}

func (s *leases) renew(i int, w wish) (lease, error) {
	l := s.all[i]
	switch {
	case !l.isOf(w.owner):
		return l, errNotAuthorized
	case w.exact && w.outside != 0 && w.outside != l.Outside.Port():
		return l, errTaken
	}
	all := slices.Clone(s.all)
	all[i].by, all[i].about = w.by, w.about
	state, err := s.show()
	if err != nil {
		return l, err
	}
	// The forward is there, unless somebody changed the NAT at the same moment.
	if err := s.replace(state.Config, all); err != nil {
		return l, err
	}
	return s.begin("renewed", i, w), nil
}

// admit refuses what is not this host's, or too much.
func (s *leases) admit(w wish, forwards []nat.Forward) error {
	if slices.ContainsFunc(forwards, func(f nat.Forward) bool { return f.Protocol == w.protocol && f.Inside == w.inside }) {
		return errNotAuthorized // the router's owner has decided about this port
	}
	host := 0
	for _, l := range s.all {
		if l.Inside.Addr() == w.inside.Addr() {
			host++
		}
	}
	switch {
	case host >= mostPerHost:
		return errQuota
	case len(s.all) >= mostLeases:
		return errNoResources
	}
	return nil
}

// end removes the leases of a host: the one of its port or, for port 0, those of the
// protocol; of protocol 0, all. What is not there counts as removed.
func (s *leases) end(p nat.Protocol, inside netip.AddrPort, o owner) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	meant := func(f nat.Forward) bool {
		return (p == 0 || p == f.Protocol) && f.Inside.Addr() == inside.Addr() && (inside.Port() == 0 || inside.Port() == f.Inside.Port())
	}
	var gone []lease
	for _, l := range s.all {
		if meant(l.Forward) && l.isOf(o) {
			gone = append(gone, l)
		}
	}
	if len(gone) > 0 {
		return s.remove("deleted", gone)
	}
	state, err := s.show()
	if err != nil {
		return err
	}
	if inside.Port() != 0 && slices.ContainsFunc(state.Config.Forwards, meant) {
		return errNotAuthorized
	}
	return nil
}

// at returns the lease of an outside port.
func (s *leases) at(p nat.Protocol, outside uint16) (lease, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(l lease) bool { return l.Protocol == p && l.Outside.Port() == outside })
	if i < 0 {
		return lease{}, false
	}
	return s.all[i], true
}

// nth returns one lease after the other.
func (s *leases) nth(i int) (lease, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i >= len(s.all) {
		return lease{}, false
	}
	return s.all[i], true
}

// reset forgets all leases, and begins a new epoch.
func (s *leases) reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch = time.Now()
	return s.remove("deleted", slices.Clone(s.all))
}

// run ends each lease when its time has come, until ctx is done.
func (s *leases) run(ctx context.Context) error {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	for {
		timer.Reset(s.expire())
		select {
		case <-timer.C:
		case <-s.changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// retry is when a kernel that would not let a lease end is asked again.
const retry = time.Second

// expire ends what is over, and returns how long it is to the next end.
func (s *leases) expire() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, next := time.Now(), longest
	var gone []lease
	for _, l := range s.all {
		if left := l.ends.Sub(now); left > 0 {
			next = min(next, left)
		} else {
			gone = append(gone, l)
		}
	}
	if s.remove("expired", gone) != nil {
		return retry
	}
	return next
}

// remove takes leases away, and says so by the event.
func (s *leases) remove(event string, gone []lease) error {
	if len(gone) == 0 {
		return nil
	}
	state, err := s.show()
	if err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(s.all), func(l lease) bool { return slices.Contains(gone, l) })
	if err := s.replace(state.Config, rest); err != nil {
		return err
	}
	for _, l := range gone {
		s.journal.ended(event, l)
	}
	return nil
}

func (s *leases) show() (nat.State, error) {
	state, err := s.kernel.Show()
	if err == nil && len(state.Config.OutsideAddrs) == 0 {
		err = errors.New("the NAT has no outside address")
	}
	if err != nil {
		s.journal.failed(err)
		return nat.State{}, errNetwork
	}
	return state, nil
}

// replace makes all the leases that there are. The forwards that are none stay.
func (s *leases) replace(c nat.Config, all []lease) error {
	c.Forwards = slices.DeleteFunc(slices.Clone(c.Forwards), func(f nat.Forward) bool {
		return slices.ContainsFunc(s.all, func(l lease) bool { return l.Forward == f })
	})
	for _, l := range all {
		c.Forwards = append(c.Forwards, l.Forward)
	}
	if _, err := s.kernel.Apply(c); err != nil {
		s.journal.failed(err)
		return errNetwork
	}
	s.all = all
	select {
	case s.changed <- struct{}{}:
	default: // run has not yet seen the last change
	}
	return nil
}

func (s *leases) find(p nat.Protocol, inside netip.AddrPort) int {
	return slices.IndexFunc(s.all, func(l lease) bool { return l.Protocol == p && l.Inside == inside })
}
