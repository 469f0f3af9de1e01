package portmap

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// askUPnP looks for a gateway device, and asks it.
func askUPnP(ctx context.Context, r Request) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	location, err := findDevice(ctx, r)
	if err != nil {
		return Answer{}, err
	}
	d := device{Request: r}
	if err := d.describe(ctx, location); err != nil {
		return Answer{}, err
	}
	return d.ask(ctx)
}

// device is a router's service and what it is asked for.
type device struct {
	Request
	control *url.URL
	gateway netip.Addr // that answered
	own     netip.Addr // this host's address, as it asked
}

func (d *device) ask(ctx context.Context) (Answer, error) {
	a := Answer{Gateway: d.gateway, By: byUPnP, Lifetime: d.Lifetime}
	outside := d.Outside
	if outside == 0 {
		outside = d.Inside // WANIPConnection:1 has no word for "any"
	}
	which := []argument{{"NewRemoteHost", ""}, {"NewExternalPort", strconv.Itoa(int(outside))}, {"NewProtocol", strings.ToUpper(d.Protocol.String())}}
	if d.Lifetime == 0 {
		_, err := d.call(ctx, "DeletePortMapping", which)
		return a, err
	}
	host := d.own
	if d.For.IsValid() {
		host = d.For
	}
	_, err := d.call(ctx, "AddPortMapping", append(which,
		argument{"NewInternalPort", strconv.Itoa(int(d.Inside))}, argument{"NewInternalClient", host.String()},
		argument{"NewEnabled", "1"}, argument{"NewPortMappingDescription", "crosslan"},
		argument{"NewLeaseDuration", strconv.Itoa(int(wholeSeconds(d.Lifetime)))}))
	if err != nil {
		return a, err
	}
	out, err := d.call(ctx, "GetExternalIPAddress", nil)
	if err != nil {
		return a, err
	}
	address, err := netip.ParseAddr(out["NewExternalIPAddress"])
	if err != nil {
		return a, fmt.Errorf("GetExternalIPAddress: %q is no address", out["NewExternalIPAddress"])
	}
	a.Outside = netip.AddrPortFrom(address, outside)
	// The router may have shortened the lease: it says so only when asked.
	if out, err = d.call(ctx, "GetSpecificPortMappingEntry", which); err != nil {
		return a, err
	}
	if n, err := strconv.ParseUint(out["NewLeaseDuration"], 10, 32); err == nil {
		a.Lifetime = seconds(uint32(n))
	}
	return a, nil
}

// findDevice searches by SSDP, at the gateway or, if none is named, in the whole LAN,
// and returns where the first device that answers describes itself.
func findDevice(ctx context.Context, r Request) (*url.URL, error) {
	to := ssdpGroup
	if r.Gateway.IsValid() {
		to = netip.AddrPortFrom(r.Gateway, ssdpGroup.Port())
	}
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return nil, errno.Wrap("", err, "")
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	b := make([]byte, 2048)
	for delay := ssdpAgain; ; delay *= 2 {
		if _, err := c.WriteToUDPAddrPort(search(connectionType), to); err != nil && ctx.Err() == nil {
			return nil, errno.Wrap("sendto", err, to.String())
		}
		_ = c.SetReadDeadline(time.Now().Add(delay)) // a closed socket says so when read
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if ctx.Err() != nil {
				return nil, noDevice(ctx, to, r.Timeout)
			}
			if isTimeout(err) {
				break
			}
			if err != nil {
				return nil, errno.Wrap("recvfrom", err, "")
			}
			if location, ok := parseFound(b[:n], from.Addr()); ok {
				return location, nil
			}
		}
	}
}

// ssdpAgain is when a search is first sent again: datagrams get lost.
const ssdpAgain = time.Second

func noDevice(ctx context.Context, asked netip.AddrPort, limit time.Duration) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no UPnP gateway answers at %v within %s (--timeout)", asked, dial.Seconds(limit))
	}
	return context.Cause(ctx)
}

// parseFound reads the answer to a search. A device describes itself, nobody else.
func parseFound(b []byte, from netip.Addr) (*url.URL, bool) {
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil || r.StatusCode != http.StatusOK || r.Header.Get("ST") != connectionType {
		return nil, false
	}
	u, err := url.Parse(r.Header.Get("LOCATION"))
	if err != nil || u.Scheme != "http" {
		return nil, false
	}
	at, err := netip.ParseAddrPort(u.Host)
	return u, err == nil && at.Addr() == from
}

// describe reads where the device's service is controlled.
func (d *device) describe(ctx context.Context, location *url.URL) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, location.String(), nil)
	if err != nil {
		return fmt.Errorf("description %v: %w", location, err)
	}
	_, b, err := d.do(request)
	if err != nil {
		return err
	}
	path, ok := controlOf(b)
	if !ok {
		return fmt.Errorf("description %v: names no %s", location, connectionType)
	}
	control, err := location.Parse(path)
	if err != nil || control.Host != location.Host {
		return fmt.Errorf("description %v: the service is controlled elsewhere, at %s", location, path)
	}
	d.control = control
	d.gateway = netip.MustParseAddrPort(location.Host).Addr() // parseFound has read it
	return nil
}

// controlOf finds the path of the service's control, in whichever device it is.
func controlOf(b []byte) (string, bool) {
	x := xml.NewDecoder(bytes.NewReader(b))
	for {
		t, err := x.Token()
		if err != nil {
			return "", false
		}
		start, ok := t.(xml.StartElement)
		if !ok || start.Name.Local != "service" {
			continue
		}
		var s struct {
			Type    string `xml:"serviceType"`
			Control string `xml:"controlURL"`
		}
		if err := x.DecodeElement(&s, &start); err != nil {
			return "", false
		}
		if s.Type == connectionType {
			return s.Control, true
		}
	}
}

// call has the router perform an action.
func (d *device) call(ctx context.Context, name string, in []argument) (map[string]string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.control.String(), bytes.NewReader(call(connectionType, name, in)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	request.Header.Set("Content-Type", `text/xml; charset="utf-8"`)
	request.Header.Set("SOAPAction", `"`+connectionType+"#"+name+`"`)
	status, b, err := d.do(request)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, parseFault(b)
	}
	a, err := parseAction(b)
	if err != nil || a.name != name+"Response" {
		return nil, fmt.Errorf("%s: the router's answer cannot be read", name)
	}
	return a.in, nil
}

// do sends a request of HTTP on a connection of its own, whose local address is the
// host's as the router sees it.
func (d *device) do(request *http.Request) (int, []byte, error) {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			d.own = addr.Of(c.LocalAddr()).Addr()
		}
		return c, err
	}}
	r, err := transport.RoundTrip(request)
	if err != nil {
		return 0, nil, errno.Wrap("", err, request.URL.Host)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return 0, nil, errno.Wrap("", err, request.URL.Host)
	}
	return r.StatusCode, b, nil
}

// protocolOf reads "tcp" or "udp".
func protocolOf(s string) (nat.Protocol, bool) {
	switch s {
	case "tcp":
		return nat.TCP, true
	case "udp":
		return nat.UDP, true
	}
	return 0, false
}
