package names

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// resolvConfPath is the file that says whom to ask (resolv.conf(5)).
const resolvConfPath = "/etc/resolv.conf"

// resolver is whom to ask, and how.
type resolver struct {
	servers  []server
	search   []string      // what is put behind a short name
	ndots    int           // a name with this many dots is tried as it is first
	timeout  time.Duration // for one server
	attempts int           // for all of them
}

// server is a DNS server.
type server struct {
	addr netip.AddrPort
	from string // where that was found: "/etc/resolv.conf line 1: nameserver 127.0.0.11"
}

// defaultResolver has resolv.conf(5)'s defaults.
func defaultResolver() resolver {
	return resolver{ndots: 1, timeout: 5 * time.Second, attempts: 2}
}

// readResolvConf reads the file. Without one, or without a server in it, this host is
// asked, as the C library does.
func readResolvConf(path string) (resolver, error) {
	r := defaultResolver()
	f, err := os.Open(path)
	switch {
	case err == nil:
		defer f.Close()
		if err := r.scan(f, path); err != nil {
			return resolver{}, fmt.Errorf("read %s: %w", path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return resolver{}, fmt.Errorf("read the resolver's configuration: %w", err)
	}
	if len(r.servers) == 0 {
		r.servers = []server{{netip.MustParseAddrPort("127.0.0.1:53"), path + " names no server: this host"}}
	}
	return r, nil
}

func (r *resolver) scan(in io.Reader, path string) error {
	s := bufio.NewScanner(in)
	for line := 1; s.Scan(); line++ {
		text, _, _ := strings.Cut(s.Text(), ";")
		words := fields(text)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			if a, err := netip.ParseAddr(words[1]); err == nil {
				from := fmt.Sprintf("%s line %d: %s", path, line, strings.Join(words, " "))
				r.servers = append(r.servers, server{netip.AddrPortFrom(a.Unmap(), 53), from})
			}
		case "search", "domain": // the last of them counts
			r.search = words[1:]
		case "options":
			for _, o := range words[1:] {
				r.option(o)
			}
		}
	}
	return s.Err()
}

// option reads an option that changes what is asked; others are passed over. The
// limits are the C library's.
func (r *resolver) option(o string) {
	name, value, _ := strings.Cut(o, ":")
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return
	}
	switch name {
	case "ndots":
		r.ndots = min(n, 15)
	case "timeout":
		r.timeout = time.Duration(min(max(n, 1), 30)) * time.Second
	case "attempts":
		r.attempts = min(max(n, 1), 5)
	}
}

// candidates returns the full names to ask for, in order: a name with few dots is
// first tried with each domain of the search list behind it.
func (r *resolver) candidates(name string) ([]dnsmessage.Name, error) {
	asIs, err := fqdn(name)
	if err != nil || strings.HasSuffix(name, ".") {
		return []dnsmessage.Name{asIs}, err
	}
	var all []dnsmessage.Name
	for _, domain := range r.search {
		if full, err := fqdn(name + "." + strings.TrimPrefix(domain, ".")); err == nil {
			all = append(all, full)
		}
	}
	if strings.Count(name, ".") >= r.ndots {
		return append([]dnsmessage.Name{asIs}, all...), nil
	}
	return append(all, asIs), nil
}
