package turn

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/stun/v4"
)

// request is a STUN request of a client, and what has become of it so far.
type request struct {
	raw  []byte
	flow flow
	side side

	message       stun.Message
	user          string // its name
	id            string // its identity, by which allocations are counted
	key           []byte // set once the request is authentic
	own           map[netip.Addr]bool
	peers         []netip.AddrPort // that it names
	channel       uint16
	releases      bool // it is a Refresh with a lifetime of 0
	veto          stun.ErrorCode
	why           string // the reason of veto, for the log
	answered      bool
	authenticated bool
}

// methods that this server knows.
var methods = []stun.Method{stun.MethodBinding, stun.MethodAllocate, stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind}

// isRequest reports whether b, whose header is good, is a request of a method that this
// server knows. What is not has no answer.
func isRequest(b []byte) bool {
	var t stun.MessageType
	t.ReadValue(binary.BigEndian.Uint16(b))
	return t.Class == stun.ClassRequest && slices.Contains(methods, t.Method)
}

// refusal is an error response.
type refusal struct {
	code stun.ErrorCode
	why  string // for the log
}

// authenticate checks who sends the request (RFC 8489 section 9.2.4). Nil means that it
// is authentic. The order of the checks is the RFC's, so that a stale nonce is told to
// those alone who have it from us.
func (s *Server) authenticate(r *request, now time.Time) *refusal {
	m := &r.message
	if !m.Contains(stun.AttrMessageIntegrity) {
		return &refusal{stun.CodeUnauthorized, ""}
	}
	var username stun.Username
	var realm stun.Realm
	var nonce stun.Nonce
	if username.GetFrom(m) != nil || realm.GetFrom(m) != nil || nonce.GetFrom(m) != nil {
		return &refusal{stun.CodeBadRequest, "a credential without USERNAME, REALM or NONCE"}
	}
	if !s.nonces.valid(nonce.String(), r.flow.client, now) {
		return &refusal{stun.CodeStaleNonce, "the nonce is stale, or somebody else's"}
	}
	r.user = username.String()
	key, id, ok := s.config.Users.find(r.user, now)
	switch {
	case realm.String() != s.config.Users.realm:
		return &refusal{stun.CodeUnauthorized, "another realm"}
	case !ok:
		return &refusal{stun.CodeUnauthorized, "no such user, or expired"}
	case stun.MessageIntegrity(key).Check(m) != nil:
		return &refusal{stun.CodeUnauthorized, "wrong password"}
	}
	r.id, r.key = id, key
	return nil
}

// inspect checks what an authentic request asks for, beyond what pion/turn checks.
func (s *Server) inspect(r *request) *refusal {
	a := r.side.find(r.flow)
	switch r.message.Type.Method {
	case stun.MethodAllocate:
		// RFC 8656 section 7.2; RFC 6062's allocations for TCP are not offered.
		if v, err := r.message.Get(stun.AttrRequestedTransport); err == nil && len(v) == 4 && v[0] != 17 {
			return &refusal{stun.CodeUnsupportedTransProto, "a transport other than UDP"}
		}
		return nil
	case stun.MethodBinding:
		return nil
	}
	switch {
	case a == nil:
		return &refusal{stun.CodeAllocMismatch, "no allocation"}
	case a.user != r.id:
		return &refusal{stun.CodeWrongCredentials, "another user's allocation"}
	}
	switch r.message.Type.Method {
	case stun.MethodRefresh:
		v, err := r.message.Get(stun.AttrLifetime)
		r.releases = err == nil && len(v) == 4 && binary.BigEndian.Uint32(v) == 0
		a.released.Store(r.releases)
	case stun.MethodCreatePermission, stun.MethodChannelBind:
		return s.inspectPeers(r, a)
	}
	return nil
}

// inspectPeers checks the peers that a request names: all of them, or nothing of it
// is done.
func (s *Server) inspectPeers(r *request, a *allocation) *refusal {
	for _, attr := range r.message.Attributes {
		if attr.Type != stun.AttrXORPeerAddress {
			continue
		}
		peer, err := parsePeer(attr.Value, r.raw[4:stunHeader])
		if err != nil {
			return &refusal{stun.CodeBadRequest, err.Error()}
		}
		if why := s.checkPeer(r, peer); why != nil {
			return why
		}
		if peer.Addr().Is4() != a.relayed.Addr().Is4() {
			return &refusal{stun.CodePeerAddrFamilyMismatch, peer.String()}
		}
		r.peers = append(r.peers, peer)
	}
	if len(r.peers) == 0 {
		return &refusal{stun.CodeBadRequest, errNoPeer.Error()}
	}
	if r.message.Type.Method == stun.MethodChannelBind {
		v, err := r.message.Get(stun.AttrChannelNumber)
		if err != nil || len(v) != 4 || len(r.peers) > 1 {
			return &refusal{stun.CodeBadRequest, "no CHANNEL-NUMBER, or several peers"}
		}
		r.channel = binary.BigEndian.Uint16(v)
		switch {
		case r.channel < firstChannel || r.channel > lastChannel:
			return &refusal{stun.CodeBadRequest, "a channel that is not from 0x4000 to 0x7FFF"}
		case r.peers[0].Port() == 0:
			return &refusal{stun.CodeBadRequest, "a peer's port 0"}
		case !a.roomForChannel(r.channel):
			return &refusal{stun.CodeInsufficientCapacity, "too many channels (--max-permissions)"}
		}
	}
	if !a.room(r.peers) {
		return &refusal{stun.CodeInsufficientCapacity, "too many permissions (--max-permissions)"}
	}
	return nil
}

// checkPeer says why a client may not have that peer, or nil.
func (s *Server) checkPeer(r *request, peer netip.AddrPort) *refusal {
	relayed := s.table.at(peer) != nil
	if err := s.config.Peers.check(peer, relayed); err != nil {
		return &refusal{stun.CodeForbidden, "peer " + err.Error()}
	}
	if relayed {
		if r.own == nil {
			r.own = map[netip.Addr]bool{}
		}
		r.own[peer.Addr()] = true
	}
	return nil
}

// names reports whether the request names a as a peer, which it may.
func (r *request) names(a netip.Addr) bool {
	return slices.ContainsFunc(r.peers, func(p netip.AddrPort) bool { return p.Addr() == a })
}
