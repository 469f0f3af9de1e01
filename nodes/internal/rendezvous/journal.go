package rendezvous

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// journal prints what happens at a server.
type journal struct {
	events *node.Events
	quiet  bool
}

func (j *journal) print(event, text string, attrs ...slog.Attr) {
	if !j.quiet {
		j.events.Print(event, text, attrs...)
	}
}

// meeting names a meeting by the beginning of its ID, which tells nothing of the token.
func (id ID) meeting() string { return hex.EncodeToString(id[:4]) }

func (j *journal) registered(r *Register, from netip.AddrPort) {
	j.print("registered", fmt.Sprintf("%v meeting %s own %v", from, r.ID.meeting(), r.Own),
		slog.Any("remote", from), slog.String("meeting", r.ID.meeting()), slog.Any("own", r.Own))
}

func (j *journal) paired(a, b netip.AddrPort) {
	j.print("paired", fmt.Sprintf("%v with %v", a, b), slog.Any("a", a), slog.Any("b", b))
}

func (j *journal) decided(m *meeting) {
	a, b := m.seats[0].observed, m.seats[1].observed
	word := "direct"
	if m.decision == NotDirect {
		word = "not direct"
	}
	j.print("decided", fmt.Sprintf("%v and %v: %s", a, b, word),
		slog.Any("a", a), slog.Any("b", b), slog.String("decision", word))
}

func (j *journal) gone(from netip.AddrPort, why string) {
	j.print("gone", fmt.Sprintf("%v %s", from, why), slog.Any("remote", from), slog.String("why", why))
}

func (j *journal) refused(transport string, from netip.AddrPort, why string) {
	j.print("refused", fmt.Sprintf("%s %v: %s", transport, from, why),
		slog.String("transport", transport), slog.Any("remote", from), slog.String("why", why))
}

// failed says that a call failed that is no one client's.
func (j *journal) failed(err error) {
	j.events.Print("error", "rendezvous "+err.Error(), slog.Any("error", err))
}
