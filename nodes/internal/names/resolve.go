package names

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// resolve is the way from a name to addresses.
type resolve struct {
	name     string
	server   netip.AddrPort // to ask instead of the files; invalid if not given
	types    []dnsmessage.Type
	timeout  time.Duration // instead of the configuration's; 0 if not given
	hosts    string        // paths of the two files
	conf     string
	events   *node.Events
	negative string // why there is no address
}

// What getaddrinfo returns, with the numbers that Python's gaierror shows.
const (
	noName = "getaddrinfo says EAI_NONAME (-2) Name or service not known"
	noData = "getaddrinfo says EAI_NODATA (-5) No address associated with hostname"
	again  = "getaddrinfo says EAI_AGAIN (-3) Temporary failure in name resolution"
)

// run shows the way, step by step.
func (r *resolve) run(ctx context.Context) error {
	r.events = node.From(ctx)
	if done, err := r.literal(ctx); done || err != nil {
		return err
	}
	if _, err := fqdn(r.name); err != nil {
		return node.Usagef("%w", err)
	}
	if !r.server.IsValid() {
		if done, err := r.fromHosts(ctx); done || err != nil {
			return err
		}
		if r.isLocalhost() {
			return r.localhost(ctx)
		}
	}
	return r.fromDNS(ctx)
}

// literal is for what is no name.
func (r *resolve) literal(ctx context.Context) (done bool, err error) {
	if r.name == "" {
		r.events.Print("name", `"" is no name: nothing is looked up, and bind takes it for 0.0.0.0`)
		return true, r.found(ctx, []netip.Addr{netip.IPv4Unspecified()})
	}
	a, err := netip.ParseAddr(r.name)
	if err != nil {
		return false, nil
	}
	r.events.Print("name", fmt.Sprintf("%s is an address already: nothing is looked up", r.name))
	return true, r.found(ctx, []netip.Addr{a.Unmap()})
}

// fromHosts looks into the hosts file. If it knows the name, nobody else is asked.
func (r *resolve) fromHosts(ctx context.Context) (done bool, err error) {
	found, lines, err := readHosts(r.hosts, r.name)
	if err != nil {
		return false, err
	}
	if len(found) == 0 {
		r.events.Print("hosts", fmt.Sprintf("%s (lines: %d) does not have %q", r.hosts, lines, r.name),
			slog.String("path", r.hosts), slog.Int("lines", lines), slog.Bool("found", false))
		return false, nil
	}
	var addrs []netip.Addr
	for _, l := range found {
		r.events.Print("hosts", fmt.Sprintf("%s line %d: %s", r.hosts, l.number, l.text),
			slog.String("path", r.hosts), slog.Int("line", l.number), slog.Bool("found", true), slog.Any("address", l.addr))
		if slices.Contains(r.types, typeOf(l.addr)) && !slices.Contains(addrs, l.addr) {
			addrs = append(addrs, l.addr)
		}
	}
	if len(addrs) == 0 {
		return true, fmt.Errorf("resolve: %s: the hosts file has no address of that type: %s", r.name, noData)
	}
	return true, r.found(ctx, addrs)
}

func (r *resolve) isLocalhost() bool {
	name := strings.ToLower(strings.TrimSuffix(r.name, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// localhost is a name that DNS must not be asked for (RFC 6761 section 6.3).
func (r *resolve) localhost(ctx context.Context) error {
	r.events.Print("name", fmt.Sprintf("%s is this host by definition (RFC 6761): no server is asked", r.name))
	return r.found(ctx, []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})})
}

// fromDNS asks servers.
func (r *resolve) fromDNS(ctx context.Context) error {
	how, err := r.resolver()
	if err != nil {
		return err
	}
	candidates, err := how.candidates(r.name)
	if err != nil {
		return err
	}
	for _, s := range how.servers {
		r.events.Print("resolver", s.from, slog.Any("server", s.addr))
	}
	for _, name := range candidates {
		addrs, err := r.lookUp(ctx, how, name)
		if err != nil {
			return err
		}
		if len(addrs) > 0 {
			return r.found(ctx, addrs)
		}
	}
	return fmt.Errorf("resolve: %s: %s", r.name, r.negative)
}

// resolver is whom to ask, as the flags or the file say.
func (r *resolve) resolver() (resolver, error) {
	how := defaultResolver()
	if r.server.IsValid() {
		how.servers = []server{{r.server, fmt.Sprintf("%v (--server)", r.server)}}
	} else {
		var err error
		if how, err = readResolvConf(r.conf); err != nil {
			return resolver{}, err
		}
	}
	if r.timeout > 0 {
		how.timeout = r.timeout
	}
	return how, nil
}

// lookUp asks for all types of addresses of one name.
func (r *resolve) lookUp(ctx context.Context, how resolver, name dnsmessage.Name) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, t := range r.types {
		a, err := r.askAll(ctx, how, name, t)
		if errors.Is(err, errNoAnswer) {
			r.negative = "no server has answered: " + again
			return nil, fmt.Errorf("resolve: %s: %s", r.name, r.negative)
		}
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, r.read(a)...)
		if a.RCode != dnsmessage.RCodeSuccess {
			break // the name does not exist, whatever the type
		}
	}
	return addrs, nil
}

// askAll asks one server after the other, as often as the configuration says, until
// one answers.
func (r *resolve) askAll(ctx context.Context, how resolver, name dnsmessage.Name, t dnsmessage.Type) (answer, error) {
	for range how.attempts {
		for _, s := range how.servers {
			a, err := r.askOne(ctx, s.addr, name, t, how.timeout)
			switch {
			case ctx.Err() != nil:
				return answer{}, context.Cause(ctx)
			case err == nil && a.RCode != dnsmessage.RCodeServerFailure:
				return a, nil
			case errors.Is(err, errNoAnswer):
				r.events.Print("timeout", fmt.Sprintf("%v no answer within %s", s.addr, dial.Seconds(how.timeout)), slog.Any("server", s.addr))
			case err != nil:
				r.events.Print("error", err.Error(), slog.Any("server", s.addr), slog.Any("error", err))
			}
		}
	}
	return answer{}, errNoAnswer
}

// askOne asks one server, a second time by TCP if the answer does not fit a datagram.
func (r *resolve) askOne(ctx context.Context, server netip.AddrPort, name dnsmessage.Name, t dnsmessage.Type, timeout time.Duration) (answer, error) {
	q, err := newQuery(server, name, t)
	if err != nil {
		return answer{}, err
	}
	for {
		r.events.Print("query", fmt.Sprintf("%v %s %s %v, %s", server, q.transport, typeName(t), name, node.Bytes(len(q.message))),
			slog.Any("server", server), slog.String("transport", q.transport), slog.String("type", typeName(t)), slog.String("name", name.String()), slog.Any("id", q.id))
		a, err := q.ask(ctx, timeout)
		if err != nil {
			return answer{}, err
		}
		r.print(server, a)
		if !a.Truncated || q.transport == "tcp" {
			return a, nil
		}
		q.transport = "tcp"
	}
}

// print prints an answer and its records.
func (r *resolve) print(server netip.AddrPort, a answer) {
	text := fmt.Sprintf("%v %s", server, codeName(a.RCode))
	if a.RCode == dnsmessage.RCodeNameError {
		text += ", there is no such name"
	} else {
		text += fmt.Sprintf(", records: %d", len(a.Answers))
	}
	if a.Authoritative {
		text += ", authoritative"
	}
	if a.Truncated {
		text += ", truncated: more than fits a datagram"
	}
	r.events.Print("answer", fmt.Sprintf("%s, %s", text, node.Bytes(a.size)),
		slog.Any("server", server), slog.String("code", codeName(a.RCode)), slog.Int("records", len(a.Answers)),
		slog.Bool("authoritative", a.Authoritative), slog.Bool("truncated", a.Truncated), slog.Int("bytes", a.size), slog.Float64("seconds", a.took.Seconds()))
	if a.Truncated {
		return // they come again
	}
	for _, rec := range a.Answers {
		h := rec.Header
		r.events.Print("record", fmt.Sprintf("%v %s %s, for %d s", h.Name, typeName(h.Type), value(rec.Body), h.TTL),
			slog.String("name", h.Name.String()), slog.String("type", typeName(h.Type)), slog.String("value", value(rec.Body)), slog.Any("ttl", h.TTL))
	}
}

// value words what a record says.
func value(b dnsmessage.ResourceBody) string {
	if a, ok := bodyAddr(b); ok {
		return a.String()
	}
	switch b := b.(type) {
	case *dnsmessage.CNAMEResource:
		return "is another name of " + b.CNAME.String()
	case *dnsmessage.UnknownResource:
		return node.Bytes(len(b.Data))
	}
	return "a record that is no address"
}

// read returns the addresses of an answer: of the name, and of those that it is said
// to be another name of.
func (r *resolve) read(a answer) []netip.Addr {
	var addrs []netip.Addr
	for _, rec := range a.Answers {
		if addr, ok := bodyAddr(rec.Body); ok {
			addrs = append(addrs, addr)
		}
	}
	switch {
	case a.RCode == dnsmessage.RCodeNameError:
		r.negative = "NXDOMAIN, there is no such name: " + noName
	case a.RCode != dnsmessage.RCodeSuccess:
		r.negative = codeName(a.RCode) + ": " + again
	case len(addrs) == 0:
		r.negative = "the name exists, without an address: " + noData
	}
	return addrs
}

// found prints the addresses, and of those that are this host's only what bind makes
// of them.
func (r *resolve) found(ctx context.Context, addrs []netip.Addr) error {
	for _, a := range addrs {
		r.events.Print("address", fmt.Sprintf("%v%s", a, meaning(a)), slog.Any("address", a))
	}
	for _, a := range addrs {
		if a.IsUnspecified() || a.IsLoopback() {
			return showBind(ctx, r.events, a)
		}
	}
	return nil
}

// meaning says what is special about an address.
func meaning(a netip.Addr) string {
	switch {
	case a.IsUnspecified():
		return " (to bind: every address of this host; to connect: this host)"
	case a.IsLoopback():
		return " (this host alone, whoever asks)"
	}
	return ""
}

// equalNames compares names as DNS does, without regard to case.
func equalNames(a, b dnsmessage.Name) bool { return strings.EqualFold(a.String(), b.String()) }
