package ice

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/stun/v4"
)

// Config is what an agent gathers from.
type Config struct {
	STUN []netip.AddrPort // servers that tell the reflexive address (RFC 8489)
	TURN []TURN           // servers that lend a relayed one (RFC 8656)

	// RelayOnly offers relayed candidates alone, as one who does not want to show
	// its own addresses does.
	RelayOnly bool

	// GatherLimit is how long a server may take to answer; one that does not gives
	// no candidate.
	GatherLimit time.Duration

	hosts []netip.Addr // those of the host's addresses to use, for tests; nil: all
}

// TURN is a server, and who uses it.
type TURN struct {
	Server         netip.AddrPort
	TCP            bool
	User, Password string
}

// Agent is one side.
type Agent struct {
	agent   *ice.Agent
	sockets *sockets
	local   []ice.Candidate
	remote  []ice.Candidate
}

// New returns an agent. Its owner closes it.
func New(c Config) (*Agent, error) {
	sockets, err := openSockets(c)
	if err != nil {
		return nil, err
	}
	options := []ice.AgentOption{
		ice.WithUrls(c.urls()),
		// No candidates of ICE-TCP: they would need a peer that is not behind a
		// NAT. And none with names of multicast DNS: a lesson shows addresses.
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithSTUNGatherTimeout(c.GatherLimit),
		// Five seconds of checks, so that a side that is slow to begin is not missed.
		ice.WithMaxBindingRequests(25),
		ice.WithLoggerFactory(&logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}),
		ice.WithUDPMux(ice.NewMultiUDPMuxDefault(sockets.all...)),
		ice.WithIncludeLoopback(), // only where a server is there
	}
	if sockets.reflexive != nil {
		options = append(options, ice.WithUDPMuxSrflx(sockets.reflexive))
	}
	if c.RelayOnly {
		options = append(options, ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeRelay}))
	}
	a, err := ice.NewAgentWithOptions(options...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ice: %w", err), sockets.close())
	}
	return &Agent{agent: a, sockets: sockets}, nil
}

func (c Config) urls() []*stun.URI {
	var urls []*stun.URI
	for _, s := range c.STUN {
		urls = append(urls, &stun.URI{Scheme: stun.SchemeTypeSTUN, Host: s.Addr().String(), Port: int(s.Port()), Proto: stun.ProtoTypeUDP})
	}
	for _, t := range c.TURN {
		u := &stun.URI{
			Scheme: stun.SchemeTypeTURN, Host: t.Server.Addr().String(), Port: int(t.Server.Port()), Proto: stun.ProtoTypeUDP,
			Username: t.User, Password: t.Password,
		}
		if t.TCP {
			u.Proto = stun.ProtoTypeTCP
		}
		urls = append(urls, u)
	}
	return urls
}

// Close ends the agent, and what it has at servers.
func (a *Agent) Close() error { return errors.Join(a.agent.GracefulClose(), a.sockets.close()) }

// Gather returns what there is to tell the other side.
func (a *Agent) Gather(ctx context.Context) (Description, error) {
	done := make(chan struct{})
	if err := a.agent.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			close(done)
		}
	}); err != nil {
		return Description{}, fmt.Errorf("gather: %w", err)
	}
	if err := a.agent.GatherCandidates(); err != nil {
		return Description{}, fmt.Errorf("gather: %w", err)
	}
	select {
	case <-done:
	case <-ctx.Done():
		return Description{}, context.Cause(ctx)
	}
	var err error
	if a.local, err = a.agent.GetLocalCandidates(); err != nil {
		return Description{}, fmt.Errorf("gather: %w", err)
	}
	byType(a.local)
	var d Description
	if d.Ufrag, d.Password, err = a.agent.GetLocalUserCredentials(); err != nil {
		return Description{}, fmt.Errorf("gather: %w", err)
	}
	for _, c := range a.local {
		d.Candidates = append(d.Candidates, c.Marshal())
	}
	return d, nil
}

// errNoCandidate is a description without any candidate that can be used.
var errNoCandidate = errors.New("the peer has no candidate that can be used")

// Connect checks all pairs and returns the chosen one. The side that leads is the
// controlling one (RFC 8445 section 6.1.1).
func (a *Agent) Connect(ctx context.Context, d Description, leads bool) (*ice.Conn, *ice.CandidatePair, error) {
	if err := a.add(d); err != nil {
		return nil, nil, err
	}
	begin := a.agent.Accept
	if leads {
		begin = a.agent.Dial
	}
	c, err := begin(ctx, d.Ufrag, d.Password)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		return nil, nil, fmt.Errorf("ice: %w", err)
	}
	pair, err := a.agent.GetSelectedCandidatePair()
	if err != nil {
		return nil, nil, fmt.Errorf("ice: %w", err)
	}
	return c, pair, nil
}

// add takes the other side's candidates. Those of transports and names that this side
// has not are left out.
func (a *Agent) add(d Description) error {
	for _, s := range d.Candidates {
		c, err := parseCandidate(s)
		if err != nil {
			return err
		}
		if !c.NetworkType().IsUDP() {
			continue
		}
		if _, err := netip.ParseAddr(c.Address()); err != nil {
			continue
		}
		if err := a.agent.AddRemoteCandidate(c); err != nil {
			return fmt.Errorf("candidate %q: %w", s, err)
		}
		a.remote = append(a.remote, c)
	}
	if len(a.remote) == 0 {
		return errNoCandidate
	}
	byType(a.remote)
	return nil
}

func parseCandidate(s string) (ice.Candidate, error) {
	c, err := ice.UnmarshalCandidate(s)
	if err != nil {
		return nil, fmt.Errorf("candidate %q: %w", s, err)
	}
	return c, nil
}

// byType orders candidates as RFC 8445 section 5.1.2.2 prefers them: host, reflexive,
// relayed.
func byType(all []ice.Candidate) {
	slices.SortStableFunc(all, func(a, b ice.Candidate) int {
		if order := int(a.Type()) - int(b.Type()); order != 0 {
			return order
		}
		return strings.Compare(a.Address(), b.Address())
	})
}
