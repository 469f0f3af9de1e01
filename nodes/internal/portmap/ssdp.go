package portmap

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// The devices and their services.
const (
	gatewayType       = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
	wanType           = "urn:schemas-upnp-org:device:WANDevice:1"
	linkType          = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1"
	wanConnectionType = "urn:schemas-upnp-org:device:WANConnectionDevice:1"
	connectionType    = "urn:schemas-upnp-org:service:WANIPConnection:1"

	deviceUUID        = "uuid:63726f73-736c-414e-8000-726f75746572"
	wanUUID           = deviceUUID + "-1"
	wanConnectionUUID = deviceUUID + "-2"
)

// targets are what can be looked for, each with the device that it is or is in.
var targets = []struct{ name, uuid string }{
	{"upnp:rootdevice", deviceUUID}, {deviceUUID, deviceUUID}, {gatewayType, deviceUUID},
	{wanUUID, wanUUID}, {wanType, wanUUID}, {linkType, wanUUID},
	{wanConnectionUUID, wanConnectionUUID}, {wanConnectionType, wanConnectionUUID}, {connectionType, wanConnectionUUID},
}

// serveSSDP answers one search after the other.
func (d *gatewayDevice) serveSSDP(ctx context.Context) error {
	b := make([]byte, 2048) // a search is one packet of an Ethernet
	for {
		n, info, err := d.ssdp.Receive(b)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return errno.Wrap("recvfrom", err, d.ssdp.LocalAddr().String())
		}
		if err := d.answerSearch(b[:n], info.From); err != nil {
			d.server.journal.ignored(info.From, n, err)
		}
	}
}

// answerSearch sends an answer for each thing that was looked for and is here. What
// else is said in the group is none of our business.
func (d *gatewayDevice) answerSearch(b []byte, from netip.AddrPort) error {
	name, ok := d.server.nameFor(from.Addr())
	if !ok {
		return errOutside
	}
	target, err := parseSearch(b)
	if errors.Is(err, errNotRequest) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, t := range targets {
		if t.name != target && target != "ssdp:all" {
			continue
		}
		if err := d.send(searchAnswer(t.name, t.uuid, name), name, from); err != nil {
			d.server.journal.failed(errno.Wrap("sendto", err, from.String()))
		}
	}
	return nil
}

// send sends from the address that the answer names, whichever the kernel prefers.
func (d *gatewayDevice) send(b []byte, name netip.Addr, to netip.AddrPort) error {
	from := unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: name.As4()})
	_, _, err := d.ssdp.WriteMsgUDPAddrPort(b, from, to)
	return err
}

// parseSearch returns what a message of SSDP looks for, or errNotRequest if it is an
// announcement or an answer.
func parseSearch(b []byte) (string, error) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
	switch {
	case err == nil && r.Method == "M-SEARCH" && r.Header.Get("MAN") == `"ssdp:discover"` && r.Header.Get("ST") != "":
		return r.Header.Get("ST"), nil
	case err == nil && r.Method == "NOTIFY", bytes.HasPrefix(b, []byte("HTTP/")):
		return "", errNotRequest
	}
	return "", errMalformed
}

// search looks for a target.
func search(target string) []byte {
	return fmt.Appendf(nil, "M-SEARCH * HTTP/1.1\r\nHOST: %v\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: %s\r\n\r\n", ssdpGroup, target)
}

func searchAnswer(target, uuid string, name netip.Addr) []byte {
	usn := uuid
	if target != usn {
		usn += "::" + target
	}
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: http://%v%s\r\nSERVER: Linux UPnP/1.1 crosslan/1\r\nST: %s\r\nUSN: %s\r\n\r\n",
		netip.AddrPortFrom(name, igdPort), descriptionPath, target, usn)
}
