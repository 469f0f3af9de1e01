package turn

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"

	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// journal prints what the server does.
type journal struct {
	events *node.Events
	quiet  bool
}

func (j *journal) print(event, text string, attrs ...slog.Attr) {
	if !j.quiet {
		j.events.Print(event, text, attrs...)
	}
}

// granted tells of a success response to a request that makes or keeps an allocation.
func (j *journal) granted(r *request, m *stun.Message) {
	a := r.side.find(r.flow)
	var lifetime time.Duration
	if v, err := m.Get(stun.AttrLifetime); err == nil && len(v) == 4 {
		lifetime = time.Duration(binary.BigEndian.Uint32(v)) * time.Second
	}
	if a == nil {
		return
	}
	attrs := append(a.attrs(), slog.Float64("lifetime", lifetime.Seconds()))
	switch r.message.Type.Method {
	case stun.MethodAllocate:
		if a.told.CompareAndSwap(false, true) { // not for an answer sent again
			j.print("allocated", fmt.Sprintf("%v for %s at %s, %.0f s", a.relayed, a.user, a.tuple(), lifetime.Seconds()), attrs...)
		}
	case stun.MethodRefresh:
		j.print("refreshed", fmt.Sprintf("%v, %.0f s", a.relayed, lifetime.Seconds()), attrs...)
	}
}

// refused tells of an error response, but not of those that begin every conversation.
func (j *journal) refused(r *request, no refusal) {
	if no.why == "" {
		return
	}
	text := fmt.Sprintf("%s %v: %s %d %s", r.side.protocol(), r.flow.client, r.message.Type.Method, int(no.code), no.why)
	j.print("refused", text, slog.String("protocol", r.side.protocol()), slog.Any("client", r.flow.client),
		slog.String("method", r.message.Type.Method.String()), slog.Int("code", int(no.code)), slog.String("why", no.why))
}

func (j *journal) permitted(a *allocation, peer netip.Addr) {
	j.print("permitted", fmt.Sprintf("%v may be sent to by %v", a.relayed, peer), append(a.attrs(), slog.Any("peer", peer))...)
}

func (j *journal) bound(a *allocation, number uint16, peer netip.AddrPort) {
	j.print("channel", fmt.Sprintf("%v: 0x%04X is %v", a.relayed, number, peer),
		append(a.attrs(), slog.Any("peer", peer), slog.Int("channel", int(number)))...)
}

func (j *journal) stranger(a *allocation, peer netip.AddrPort) {
	j.print("dropped", fmt.Sprintf("%v -> %v: no permission", peer, a.relayed), append(a.attrs(), slog.Any("peer", peer))...)
}

// ended tells how an allocation ended, and what it carried.
func (j *journal) ended(a *allocation, why string) {
	took := time.Since(a.began).Seconds()
	text := fmt.Sprintf("%v after %.2f s: %s to peers, %s to the client, %d dropped, %s",
		a.relayed, took, &a.toPeers, &a.toClient, a.dropped.Load(), why)
	j.print("ended", text, append(a.attrs(), slog.String("why", why), slog.Float64("seconds", took),
		slog.Int64("to_peers", a.toPeers.bytes.Load()), slog.Int64("to_peers_datagrams", a.toPeers.datagrams.Load()),
		slog.Int64("to_client", a.toClient.bytes.Load()), slog.Int64("to_client_datagrams", a.toClient.datagrams.Load()),
		slog.Int64("dropped", a.dropped.Load()))...)
}

// hungUp tells of a TCP client whose connection the server ends.
func (j *journal) hungUp(f flow, why string) {
	j.print("closed", fmt.Sprintf("tcp %v -> %v: %s", f.client, f.server, why),
		slog.Any("client", f.client), slog.Any("server", f.server), slog.String("why", why))
}

// failed tells of an error that is nobody's but the server's.
func (j *journal) failed(err error) {
	j.events.Print("error", errno.Text(err), slog.String("error", errno.Text(err)))
}

// tuple is the client's 5-tuple.
func (a *allocation) tuple() string {
	return fmt.Sprintf("%s %v -> %v", a.side.protocol(), a.flow.client, a.flow.server)
}

func (a *allocation) attrs() []slog.Attr {
	return []slog.Attr{
		slog.Any("relayed", a.relayed), slog.String("user", a.user), slog.String("protocol", a.side.protocol()),
		slog.Any("client", a.flow.client), slog.Any("server", a.flow.server),
	}
}

// String words the traffic for people.
func (t *traffic) String() string {
	n := t.datagrams.Load()
	s := "s"
	if n == 1 {
		s = ""
	}
	return fmt.Sprintf("%d datagram%s (%s)", n, s, node.Bytes(int(t.bytes.Load())))
}
