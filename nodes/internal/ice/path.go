package ice

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/pion/ice/v4"
)

// The paths that there are.
const (
	hostPath      = "direct, from host to host"
	reflexivePath = "direct, through NAT"
	relayedPath   = "relayed"
)

// end is an end of a pair: a candidate in short.
type end struct {
	kind ice.CandidateType
	at   string
}

func (e end) String() string { return e.kind.String() + " " + e.at }

func endOf(c ice.Candidate) end {
	return end{c.Type(), net.JoinHostPort(c.Address(), strconv.Itoa(c.Port()))}
}

// localEnd is this side's end. What is sent from a reflexive candidate is sent from its
// base, the host candidate (RFC 8445 section 6.1.2.4); pion/ice keeps pairs of both.
func localEnd(c ice.Candidate) end {
	r := c.RelatedAddress()
	if c.Type() != ice.CandidateTypeServerReflexive || r == nil {
		return endOf(c)
	}
	return end{ice.CandidateTypeHost, net.JoinHostPort(r.Address, strconv.Itoa(r.Port))}
}

// remoteEnd is the peer's end. A check may come before the peer's candidates are known,
// and turn up as peer reflexive what the peer has told as one of its own.
func (a *Agent) remoteEnd(c ice.Candidate) end {
	e := endOf(c)
	for _, told := range a.remote { // the preferred type first
		if t := endOf(told); t.at == e.at {
			return t
		}
	}
	return e
}

// pathOf says what a pair's path is. No candidate that a check has turned up (peer
// reflexive) is a relayed one: those are told beforehand.
func pathOf(local, remote end) string {
	switch {
	case local.kind == ice.CandidateTypeRelay || remote.kind == ice.CandidateTypeRelay:
		return relayedPath
	case local.kind == ice.CandidateTypeHost && remote.kind == ice.CandidateTypeHost:
		return hostPath
	}
	return reflexivePath
}

// check is what came of the check of one pair.
type check struct {
	local, remote end
	sent          bool
	roundTrip     time.Duration // 0 without an answer
}

func (c check) outcome() string {
	switch {
	case c.roundTrip > 0:
		return fmt.Sprintf("answered in %.1f ms", c.roundTrip.Seconds()*1000)
	case c.sent:
		return "no answer"
	}
	return "not tried"
}

// checks returns those of all pairs, the preferred first.
func (a *Agent) checks() []check {
	locals, remotes := byID(a.agent.GetLocalCandidates()), byID(a.agent.GetRemoteCandidates())
	var all []check
	for _, s := range a.agent.GetCandidatePairsStats() {
		local, remote := locals[s.LocalCandidateID], remotes[s.RemoteCandidateID]
		if local == nil || remote == nil {
			continue // replaced since by a candidate that was signalled
		}
		c := check{local: localEnd(local), remote: a.remoteEnd(remote), sent: s.RequestsSent > 0}
		if s.ResponsesReceived > 0 {
			c.roundTrip = time.Duration(s.TotalRoundTripTime / float64(s.ResponsesReceived) * float64(time.Second))
		}
		same := slices.IndexFunc(all, func(x check) bool { return x.local == c.local && x.remote == c.remote })
		switch {
		case same < 0:
			all = append(all, c)
		case all[same].roundTrip == 0:
			all[same].sent = all[same].sent || c.sent
			all[same].roundTrip = c.roundTrip
		}
	}
	slices.SortStableFunc(all, func(x, y check) int {
		return int(x.local.kind+x.remote.kind) - int(y.local.kind+y.remote.kind)
	})
	return all
}

func byID(all []ice.Candidate, err error) map[string]ice.Candidate {
	found := map[string]ice.Candidate{}
	if err == nil {
		for _, c := range all {
			found[c.ID()] = c
		}
	}
	return found
}
