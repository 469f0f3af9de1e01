package portmap

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
)

// descriptionPath is where the device describes itself.
const descriptionPath = "/rootDesc.xml"

// description is the device with the device in it that has the device in it, as
// InternetGatewayDevice:1 orders.
var description = `<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<device><deviceType>` + gatewayType + `</deviceType>
<friendlyName>crosslan router</friendlyName><manufacturer>crosslan</manufacturer><modelName>router</modelName><UDN>` + deviceUUID + `</UDN>
<deviceList><device><deviceType>` + wanType + `</deviceType>
<friendlyName>WAN</friendlyName><manufacturer>crosslan</manufacturer><modelName>router</modelName><UDN>` + wanUUID + `</UDN>
` + link.entry() + `<deviceList><device><deviceType>` + wanConnectionType + `</deviceType>
<friendlyName>WAN connection</friendlyName><manufacturer>crosslan</manufacturer><modelName>router</modelName><UDN>` + wanConnectionUUID + `</UDN>
` + connection.entry() + `</device></deviceList></device></deviceList></device></root>
`

// handler serves the device's documents and its control.
func (d *gatewayDevice) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET "+descriptionPath, serveXML(description))
	for _, s := range upnpServices {
		m.HandleFunc("GET "+s.document, serveXML(s.description()))
		m.HandleFunc("POST "+s.control, func(w http.ResponseWriter, r *http.Request) { d.control(w, r, s.kind) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		host, hostErr := netip.ParseAddrPort(r.Host)
		switch {
		case err != nil || !d.server.isInside(from.Addr()):
			http.Error(w, "not from inside", http.StatusForbidden)
		case hostErr != nil || host.Port() != igdPort:
			// A web page that has its own name lead here is not a program of the
			// inside's (DNS rebinding): those use the address that they were told.
			http.Error(w, "ask by address", http.StatusForbidden)
		default:
			m.ServeHTTP(w, r)
		}
	})
}

func serveXML(document string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", `text/xml; charset="utf-8"`)
		_, _ = io.WriteString(w, document)
	}
}

// control answers an action of a service.
func (d *gatewayDevice) control(w http.ResponseWriter, r *http.Request, service string) {
	from, _ := netip.ParseAddrPort(r.RemoteAddr) // handler has seen that it is one
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestAction))
	if err != nil {
		d.server.journal.ignored(from, len(body), errMalformed)
		http.Error(w, "the request is too long or broken off", http.StatusBadRequest)
		return
	}
	a, err := parseAction(body)
	if err == nil && a.service != service {
		err = errMalformed
	}
	if err != nil {
		d.server.journal.ignored(from, len(body), err)
		http.Error(w, "the request is no SOAP action", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", `text/xml; charset="utf-8"`)
	out, err := d.perform(a, from)
	if err != nil {
		f := upnpCode(err)
		d.server.journal.refused(byUPnP, from, f)
		w.WriteHeader(http.StatusInternalServerError) // UPnP Device Architecture 1.1, 3.2.2
		_, _ = w.Write(fault(f))
		return
	}
	_, _ = w.Write(response(a, out))
}

// upnpCode is the error that UPnP has for a refusal.
func upnpCode(err error) *Refused {
	var r *Refused
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, errNotAuthorized), errors.Is(err, errLowPort):
		return upnpRefused(upnpNotAuthorized)
	case errors.Is(err, errTaken):
		return upnpRefused(upnpConflict)
	case errors.Is(err, errNoResources), errors.Is(err, errQuota):
		return upnpRefused(upnpNoPorts)
	}
	return upnpRefused(upnpActionFailed)
}
